"""What is said of a run: on the terminal, to a build server, and on a page for people."""
