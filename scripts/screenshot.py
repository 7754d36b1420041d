"""Make docs/screen.svg: the screen at a size, on the tests' fake desk or on one that runs.

python scripts/screenshot.py [--size 120x36] [--theme night] [--socket PATH] [--out docs/screen.svg]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from kalshi_tui.desk.client import DeskClient
from kalshi_tui.tui.actions import resolve_keymap
from kalshi_tui.tui.desk_app import DeskApp
from kalshi_tui.tui.link import DeskLink
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.theme import load_themes, pick_theme

ROOT = Path(__file__).resolve().parents[1]


async def shoot(link: DeskLink, size: tuple[int, int], theme: str, wait: float) -> str:
    """The SVG of a screen on ``link`` after ``wait`` seconds of its life."""
    themes = load_themes()
    state = ScreenState(link.hello, time.monotonic, resolve_keymap())
    app = DeskApp(link, state, themes, pick_theme(themes, theme))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(wait)
        return app.export_screenshot(title="kalshi-tui")


async def run(arguments: argparse.Namespace) -> None:
    width, height = (int(part) for part in arguments.size.split("x"))
    if arguments.socket:
        link: DeskLink = await DeskClient.open(Path(arguments.socket))
        wait = 3.0
    else:
        sys.path.insert(0, str(ROOT / "tests" / "tui"))
        from fakes import FakeLink, view

        link, wait = FakeLink(view()), 0.6
    try:
        svg = await shoot(link, (width, height), arguments.theme, wait)
    finally:
        await link.close()
    Path(arguments.out).write_text(svg, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", default="120x36", help="columns x rows")
    parser.add_argument("--theme", default="night")
    parser.add_argument(
        "--socket", help="control socket of a running desk; without it the fake desk is drawn"
    )
    parser.add_argument("--out", default=str(ROOT / "docs" / "screen.svg"))
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
