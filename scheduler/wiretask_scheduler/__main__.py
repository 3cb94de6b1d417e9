"""`python -m wiretask_scheduler`."""

from wiretask_scheduler.cli import main

main(prog_name="wiretask-scheduler")
