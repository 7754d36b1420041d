"""Floors 0-5: no clock, no randomness, no I/O, no await. Read off the syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kalshi_tui

SOURCE = Path(kalshi_tui.__file__).parent
PURE = ("protocol", "orderbook", "features", "portfolio", "pricing", "risk", "execution", "kernel")
BANNED_MODULES = {
    "time", "random", "secrets", "uuid", "asyncio", "socket", "os", "io", "pathlib", "subprocess", "threading",
    "tempfile", "shutil", "sqlite3", "logging", "sys", "select", "multiprocessing", "concurrent", "httpx",
    "websockets", "aiohttp",
}  # fmt: skip
BANNED_CALLS = {
    "open",
    "print",
    "input",
    "now",
    "today",
    "utcnow",
    "monotonic",
    "perf_counter",
    "uuid4",
    "urandom",
}
CLOCK_OWNERS = {"time", "datetime", "date", "random", "np.random", "uuid", "os"}


def offences(tree: ast.AST) -> list[str]:
    """What a pure module may not do, with its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [
                f"{node.lineno}: import {a.name}"
                for a in node.names
                if a.name.split(".")[0] in BANNED_MODULES
            ]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in BANNED_MODULES:
            found.append(f"{node.lineno}: from {node.module} import ...")
        elif isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith):
            found.append(f"{node.lineno}: await")
        elif isinstance(node, ast.Call):
            call = node.func
            if isinstance(call, ast.Name) and call.id in {"open", "print", "input"}:
                found.append(f"{node.lineno}: {call.id}()")
            banned = isinstance(call, ast.Attribute) and call.attr in BANNED_CALLS
            if isinstance(call, ast.Attribute) and banned and ast.unparse(call.value) in CLOCK_OWNERS:
                found.append(f"{node.lineno}: {ast.unparse(call)}()")
    return found


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_touch_nothing_outside(room: str) -> None:
    bad = []
    files = sorted((SOURCE / room).rglob("*.py"))
    assert len(files) > 1
    for path in files:
        bad += [f"{path.name}:{o}" for o in offences(ast.parse(path.read_text()))]
    assert bad == []


@pytest.mark.parametrize(
    "code",
    ["import time", "from random import choice", "async def f(): await g()", "open('x')", "datetime.now()"],
)
def test_the_walk_finds_what_it_looks_for(code: str) -> None:
    assert offences(ast.parse(code))


def test_no_source_file_is_over_400_lines() -> None:
    long = [
        f"{p.relative_to(SOURCE)}: {n}"
        for p in SOURCE.rglob("*.py")
        if (n := p.read_text().count("\n")) > 400
    ]
    assert long == []
