"""``python -m focys``: the command line, where the program ``focys`` is not on the PATH."""

from focys.cli import main

if __name__ == "__main__":
    main()
