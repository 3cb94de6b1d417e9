"""The benchmarks: what they measure, the floors beside them, the peers, and what is made of the figures."""
