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

CELL, LINE = 12.2, 24.4
"""Width and height of a character in Rich's picture."""
BASE = 18.5
"""From the top of a line down to where its letters stand."""
THIN = 0.75
"""Half the width of a line that is drawn."""
OVERLAP = 0.3
"""By which an upright reaches into the next lines: where two only touch between pixels, a seam shows."""
ROUND = 5.0
"""Radius of a corner."""
_TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" clip-path="([^"]+)">([^<]*)</text>'
)
_CORNERS = {"╭": (1, 1), "╮": (-1, 1), "╰": (1, -1), "╯": (-1, -1)}
"""Where the two ends of a corner go: right or left, down or up."""
_DRAWN = "─│╭╮╰╯▁-█▉-▏░▒▓"
_PIECE = re.compile(rf"(?P<run>[─▁-█])(?P=run)*|[{_DRAWN}]|[^\s{_DRAWN}]+")
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
    """``svg`` without fonts from a server, everything in its own cells.

    A picture in a page may not load fonts. With another one words drift, and some renderers drop the blanks
    in front of a text, unless each word says where it stands; lines and bars fall apart, unless they are drawn.
    """
    svg = _TEXT.sub(_pieces, svg)
    svg = re.sub(r"@font-face {.*?}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")


def _pieces(text: re.Match[str]) -> str:
    ink, x, y, clip, content = text.groups()
    made = []
    for piece in _PIECE.finditer(unescape(content)):
        left, cells = float(x) + piece.start() * CELL, len(piece[0])
        shape = _shape(piece[0], left, float(y) - BASE)
        made.append(
            f'<path class="{ink}" {shape}/>'
            if shape
            else f'<text class="{ink}" x="{left:.1f}" y="{y}" textLength="{cells * CELL:.1f}" '
            f'clip-path="{clip}">{escape(piece[0])}</text>'
        )
    return "".join(made)


def _shape(piece: str, x: float, top: float) -> str:
    """A line, a corner or a bar as a path's attributes; empty for what is written."""
    glyph, right, bottom = piece[0], x + len(piece) * CELL, top + LINE
    across, down = x + CELL / 2, top + LINE / 2
    if glyph == "─":
        return _box(x, down - THIN, right, down + THIN)
    if glyph == "│":
        return _box(across - THIN, top - OVERLAP, across + THIN, bottom + OVERLAP)
    if glyph in _CORNERS:
        return _corner(*_CORNERS[glyph], across, down)
    crisp = ' shape-rendering="crispEdges"'
    if "▁" <= glyph <= "█":
        return _box(x, bottom - LINE * (ord(glyph) - ord("▁") + 1) / 8, right, bottom) + crisp
    if "▉" <= glyph <= "▏":
        return _box(x, top, x + CELL * (ord("▏") - ord(glyph) + 1) / 8, bottom) + crisp
    if glyph in "░▒▓":
        return _box(x, top, right, bottom) + f' opacity="{("░▒▓".index(glyph) + 1) / 4}"' + crisp
    return ""


def _box(left: float, top: float, right: float, bottom: float) -> str:
    return f'd="M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}Z"'


def _corner(to_x: int, to_y: int, across: float, down: float) -> str:
    """From the middle of an edge round to the next one; an ink fills, it does not stroke."""
    out_x, out_y, in_x, in_y = (
        across - to_x * THIN,
        down - to_y * THIN,
        across + to_x * THIN,
        down + to_y * THIN,
    )
    end_x, end_y = across + to_x * CELL / 2, down + to_y * LINE / 2
    bend_x, bend_y = across + to_x * ROUND, down + to_y * ROUND
    outside = (
        f"M{out_x:.1f} {end_y:.1f}V{bend_y:.1f}Q{out_x:.1f} {out_y:.1f} {bend_x:.1f} {out_y:.1f}H{end_x:.1f}"
    )
    inside = f"V{in_y:.1f}H{bend_x:.1f}Q{in_x:.1f} {in_y:.1f} {in_x:.1f} {bend_y:.1f}V{end_y:.1f}Z"
    return f'd="{outside}{inside}"'


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
