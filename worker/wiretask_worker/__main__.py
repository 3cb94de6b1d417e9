"""`python -m wiretask_worker`."""

from wiretask_worker.cli import main

if __name__ == "__main__":
    main()
