"""``python -m scow``."""

from scow.cli.main import program

if __name__ == "__main__":
    program()
