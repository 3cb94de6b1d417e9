"""`python -m wiretask_scheduler`, and the command `wiretask-scheduler`."""

from __future__ import annotations

import sys


def main() -> None:
    """Starts the command. Where another extra than the scheduler's was installed, one line says what is missing."""
    try:
        from wiretask_scheduler.cli import main as command  # noqa: PLC0415 -- it may not be all here
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing.startswith("wiretask"):
            raise
        print(f"wiretask-scheduler: {missing} is not installed; pip install 'wiretask[scheduler]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    command(prog_name="wiretask-scheduler")


if __name__ == "__main__":
    main()
