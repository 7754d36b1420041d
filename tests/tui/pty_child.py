"""The screen on a moving fake desk inside a pseudo-terminal (``test_tui_pty``). Prints how it ended."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from fakes import FakeLink, moving
from msgspec.structs import replace

from kalshi_tui.protocol.commands import Heartbeat
from kalshi_tui.protocol.text import SafeText, safe_text
from kalshi_tui.protocol.views import DeskView
from kalshi_tui.tui.app import run_screen

HOSTILE = "\x1b]0;EVIL\x07\x1b[31mEVIL\x9b2J\u202eEVIL\u200b"


def dressed(view: DeskView, kind: str) -> DeskView:
    """``clean``: hostile titles as the protocol hands them on; ``raw``: as if nobody had cleaned them."""
    if kind == "plain":
        return view
    title = safe_text(HOSTILE) if kind == "clean" else SafeText(HOSTILE)
    rows = tuple(replace(row, label=title, event_title=title) for row in view.markets)
    ladder = view.ladder and replace(view.ladder, title=title, label=title, why=title, queue=title)
    log = tuple(replace(line, text=title) for line in view.log)
    return replace(view, markets=rows, ladder=ladder, log=log, settlement_title=title)


async def main(kind: str, crash: Path, beats: Path) -> None:
    link = FakeLink()
    fresh = beats.with_suffix(".new")

    async def feed() -> None:
        for view in moving(7):
            link.put(dressed(view, kind))
            count = sum(isinstance(command, Heartbeat) for command in link.sent)
            fresh.write_text(str(count), encoding="utf-8")
            fresh.replace(beats)
            await asyncio.sleep(0.1)

    feeding = asyncio.create_task(feed())
    result = await run_screen(link, crash_file=crash)
    feeding.cancel()
    print(f"ENDED {result.exit} {result.message}")
    print(f"ASKED {len(link.asked())}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
