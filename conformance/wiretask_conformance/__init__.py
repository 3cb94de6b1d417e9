"""The conformance suite: golden frames, and the runner that holds any implementation against them."""

import sys

# Said here, because `python -m` and the zip read this before anything that an old Python cannot even parse. It is wrong
# usage (2), and no verdict.
if sys.version_info < (3, 9):  # noqa: UP036 -- the suite is run by older ones than the project
    sys.stderr.write(
        "wiretask-conformance: this is Python %d.%d, and it needs 3.9 or later; run it with python3.9\n"
        % sys.version_info[:2]
    )
    sys.exit(2)
