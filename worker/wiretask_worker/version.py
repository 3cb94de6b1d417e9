"""Which worker this is, as it introduces itself to a scheduler."""

#: The distribution's version, said here because reading its metadata takes a tenth of a start. A test compares.
VERSION = "0.1.0"
AGENT = f"wiretask-worker/{VERSION}"
