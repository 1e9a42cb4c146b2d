"""``python -m roborefer`` is the command ``roborefer``."""

from roborefer.cli.main import main

if __name__ == "__main__":
    main()
