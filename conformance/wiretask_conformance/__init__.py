"""The conformance suite: golden frames, and the runner that holds any implementation against them."""
