"""`python -m wiretask_client`: the command line."""

from wiretask_client.cli import main

if __name__ == "__main__":
    main()
