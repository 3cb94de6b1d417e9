"""Where handlers run: the event loop, threads, processes."""
