"""``python -m pyface`` is the command ``pyface``."""

from pyface.cli.main import main

main()
