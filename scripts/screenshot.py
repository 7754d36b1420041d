"""Make docs/screen.svg: the screen at a size, on the tests' fake desk or on one that runs.

python scripts/screenshot.py [--size 120x36] [--theme night] [--socket PATH] [--keys n,n] [--out docs/screen.svg]
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from html import escape, unescape
from pathlib import Path

from kalshi_tui.desk.client import DeskClient
from kalshi_tui.tui.actions import resolve_keymap
from kalshi_tui.tui.desk_app import DeskApp
from kalshi_tui.tui.link import DeskLink
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.theme import load_themes, pick_theme

CELL = 12.2
"""Width of a character in Rich's picture."""
_TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" clip-path="([^"]+)">([^<]*)</text>'
)
ROOT = Path(__file__).resolve().parents[1]


async def shoot(link: DeskLink, size: tuple[int, int], theme: str, keys: list[str], wait: float) -> str:
    """The SVG of a screen on ``link`` after ``keys`` were pressed and ``wait`` seconds passed."""
    themes = load_themes()
    state = ScreenState(link.hello, time.monotonic, resolve_keymap())
    app = DeskApp(link, state, themes, pick_theme(themes, theme))
    async with app.run_test(size=size) as pilot:
        await pilot.pause(wait / 2)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.1)
        await pilot.pause(wait / 2)
        return portable(app.export_screenshot(title="kalshi-tui", simplify=True))


def portable(svg: str) -> str:
    """``svg`` without fonts from a server, every word in its own place.

    A picture in a page may not load fonts. With another one words drift, and some renderers drop the blanks
    in front of a text, unless each word says where it stands.
    """
    svg = _TEXT.sub(_words, svg)
    svg = re.sub(r"@font-face {.*?}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")


def _words(text: re.Match[str]) -> str:
    ink, x, y, clip, content = text.groups()
    return "".join(
        f'<text class="{ink}" x="{float(x) + word.start() * CELL:.1f}" y="{y}" '
        f'textLength="{len(word[0]) * CELL:.1f}" clip-path="{clip}">{escape(word[0])}</text>'
        for word in re.finditer(r"─+|[^\s─]+", unescape(content))
    )


async def run(arguments: argparse.Namespace) -> None:
    width, height = (int(part) for part in arguments.size.split("x"))
    if arguments.socket:
        link: DeskLink = await DeskClient.open(Path(arguments.socket))
        wait = 3.0
    else:
        sys.path.insert(0, str(ROOT / "tests" / "tui"))
        from fakes import FakeLink, view

        link, wait = FakeLink(view()), 0.6
    keys = [key for key in arguments.keys.split(",") if key]
    try:
        svg = await shoot(link, (width, height), arguments.theme, keys, wait)
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
    parser.add_argument("--keys", default="", help="keys to press first, in Textual's names, comma separated")
    parser.add_argument("--out", default=str(ROOT / "docs" / "screen.svg"))
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
