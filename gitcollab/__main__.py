"""``python -m gitcollab``: the command line."""

from gitcollab.cli.main import main

if __name__ == "__main__":
    main()
