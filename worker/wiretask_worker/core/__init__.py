"""The decisions of a worker, without sockets, clocks, threads or randomness."""
