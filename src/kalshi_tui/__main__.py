"""``python -m kalshi_tui`` is the command ``kalshi-tui``."""

from kalshi_tui.cli.main import main

main()
