"""Which client this is, as it introduces itself to a scheduler."""

#: The distribution's version, said here because reading its metadata takes longer than a submission. A test compares.
VERSION = "0.1.0"
AGENT = f"wiretask-client/{VERSION}"
