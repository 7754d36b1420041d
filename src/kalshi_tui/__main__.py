"""The first line of ``kalshi-tui`` and of ``python -m kalshi_tui``.

Loading the rest takes longer than a hand that thinks better of it: Ctrl+C must not show what was being loaded.
"""

import os

try:
    from kalshi_tui.cli.interrupts import INTERRUPTED, over, quiet

    quiet()
except KeyboardInterrupt:
    os._exit(130)  # what would name this code was just being loaded


def main() -> None:
    from kalshi_tui.cli.main import main as command_line

    try:
        command_line()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # one more, while the first was being answered
    finally:
        over()


if __name__ == "__main__":
    main()
