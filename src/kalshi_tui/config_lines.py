"""On which line of a TOML file a key stands. ``tomllib`` does not say, and an error should."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[(\[)?([^\[\]]+)\]")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=(.*)""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_LONG_QUOTES = ('"' * 3, "'" * 3)


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Line numbers (from 1) by dotted path, tables included; a repeated table's path holds its number, from 0.

    Good enough for configuration: strings over several lines are skipped, keys inside inline tables are
    found at the table's own line by whoever asks for the longest known prefix.
    """
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            table = _parts(header[2])
            lines.setdefault(table, number)
            if header[1]:
                table = (*table, str(sum(len(key) == len(table) + 1 and key[:-1] == table for key in lines)))
                lines[table] = number
        elif key := _KEY.match(line):
            lines.setdefault(table + _parts(key[1]), number)
            for quotes in _LONG_QUOTES:
                if key[2].count(quotes) == 1:
                    closing = quotes
    return lines


def line_of(lines: dict[tuple[str, ...], int], path: tuple[str, ...]) -> int | None:
    """The line of ``path``, or of the closest table around it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
