"""Reading a fault plan: a TOML file, or the short form ``drop@10s,dup@15s:3`` on the command line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kalshi_tui.config_lines import key_lines, line_of
from kalshi_tui.practice.faults_kinds import KINDS, Fault, Kind
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos

_ALWAYS = ("do", "at", "for", "every")
_KEYS = (*_ALWAYS, "times", "share", "market", "path", "by")
_UNITS: dict[str, Nanos] = {"ms": MILLISECOND, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_LONGEST: Nanos = 100 * 86_400 * SECOND
_MOST = 1_000_000
_TIME = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h)?", re.ASCII)
_SHORT = re.compile(r"([a-z]+)@([0-9.a-z]+)(?:\+([0-9.a-z]+))?(?:/([0-9.a-z]+))?(?::([0-9]+))?", re.ASCII)
SHORT_FORM = (
    "NAME@AT, then +FOR, /EVERY and :TIMES where wanted, such as drop@10s or silence@5s+6s or dup@15s:3"
)


class PlanError(ValueError):
    """A plan that can not be carried out: one sentence with its place and what would be right."""


def read_plan(text: str) -> list[Fault]:
    """The faults of ``--faults``: a file's where it names one, else the short form's. ``PlanError``."""
    path = Path(text)
    try:
        if "@" in text and not path.exists():
            return _numbered([_short(item.strip()) for item in text.split(",")])
        return parse_plan(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise PlanError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except PlanError:
        raise
    except (OSError, ValueError) as error:
        why = (error.strerror or "it can not be read").lower() if isinstance(error, OSError) else str(error)
        raise PlanError(
            f"{safe_text(text, 80)}: {why}; name a TOML file with [[fault]] tables, or write {SHORT_FORM}"
        ) from None


def parse_plan(text: str, name: str) -> list[Fault]:
    """The ``[[fault]]`` tables of a TOML text; ``name`` is the file's, for errors (``PlanError``)."""
    try:
        tree = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError, InvalidOperation, ValueError) as error:
        raise PlanError(f"{name}: not valid TOML: {safe_text(error)}") from None
    lines = key_lines(text)

    def place(*key: str) -> str:
        line = line_of(lines, key)
        return f"{name}:{line}" if line else name

    for key in tree:
        if key != "fault":
            raise PlanError(f"{place(key)}: unknown key {safe_text(key, 40)}; the nearest valid one is fault")
    rows = tree.get("fault")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise PlanError(f"{place('fault')}: there is no fault in it; begin each with a line [[fault]]")
    faults: list[Fault] = []
    for number, row in enumerate(rows):
        faults.append(_fault(row, lambda key, n=str(number): place("fault", n, key)))
    return _numbered(faults)


def _numbered(faults: list[Fault]) -> list[Fault]:
    """A label belongs to one fault: the second of a name at the same time is called ``#2``."""
    seen: dict[str, int] = {}
    named: list[Fault] = []
    for fault in faults:
        seen[fault.label] = number = seen.get(fault.label, 0) + 1
        named.append(fault if number == 1 else replace(fault, label=f"{fault.label}#{number}"))
    return named


def _short(item: str) -> Fault:
    where = f"--faults: {safe_text(item, 60)}"
    match = _SHORT.fullmatch(item)
    if match is None:
        raise PlanError(f"{where}: that is no fault; write {SHORT_FORM}")
    names = ("do", "at", "for", "every", "times")
    given = {name: part for name, part in zip(names, match.groups(), strict=True) if part is not None}
    row: dict[str, Any] = dict(given)
    if "times" in row:
        row["times"] = int(row["times"][:12])
    return _fault(row, lambda _: where)


class _Row:
    """One fault as it was written, read key by key; every error names its place."""

    def __init__(self, row: Mapping[str, Any], place: Any) -> None:
        self.row = row
        self._place = place

    def wrong(self, key: str, expected: str) -> PlanError:
        if key not in self.row:
            return PlanError(f"{self._place('')}: {key} is missing; expected {expected}")
        shown = safe_text(repr(_plain(self.row[key])), 60)
        return PlanError(f"{self._place(key)}: {key} was {shown}; expected {expected}")

    def unknown(self, key: str, valid: Iterable[str]) -> PlanError:
        near = get_close_matches(key, list(valid), n=1, cutoff=0.0)
        shown = safe_text(key, 40)
        if key in _KEYS:
            takes = ", ".join(valid)
            return PlanError(f"{self._place(key)}: {self.row['do']} takes no {shown}; it takes {takes}")
        return PlanError(f"{self._place(key)}: unknown key {shown}; the nearest valid one is {near[0]}")

    def time(self, key: str, least: Nanos = 1) -> Nanos | None:
        """Nanoseconds; None where it is not given."""
        value = self.row.get(key)
        if value is None:
            return None
        nanos = _nanos(value)
        if nanos is None or not least <= nanos <= _LONGEST:
            above = " above zero" if least else ""
            raise self.wrong(key, f"a time{above} such as 500ms, 10s or 2m")
        return nanos

    def pattern(self, key: str, default: str) -> str:
        value = self.row.get(key, default)
        if not isinstance(value, str) or not value:
            example = "KXCPI*" if key == "market" else "POST /portfolio/events/orders"
            raise self.wrong(key, f'a text in which * stands for anything, such as "{example}"')
        return value


def _fault(row: Mapping[str, Any], place: Any) -> Fault:
    at = _Row(row, place)
    for key in row:
        if key not in _KEYS:
            raise at.unknown(key, _KEYS)
    kind = _kind(at)
    valid = (*_ALWAYS, *kind.takes)
    for key in row:
        if key not in valid:
            raise at.unknown(key, valid)
    begins = at.time("at", least=0)
    if begins is None:
        raise at.wrong("at", "a time since the exchange is ready, such as 10s")
    lasts, every = at.time("for"), at.time("every")
    if kind.lasting and lasts is None:
        raise at.wrong("for", f"how long it lasts, such as 5s: {kind.meaning}")
    if every is not None and lasts is not None and every <= lasts:
        raise at.wrong("every", "a longer time than `for`")
    share = row.get("share", 1)
    number = isinstance(share, int | Decimal) and not isinstance(share, bool) and Decimal(share).is_finite()
    if not (number and 0 < share <= 1):
        raise at.wrong("share", "a probability above 0, at most 1")
    times = row.get("times", kind.times if lasts is not None else 1)
    if "times" in row and (isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= _MOST):
        raise at.wrong("times", f"a whole number from 1 to {_MOST}")
    return Fault(
        kind,
        begins,
        f"{kind.name}@{_plain(row['at'])}",
        lasts,
        every,
        times,
        float(share),
        at.pattern("market", "*"),
        at.pattern("path", kind.path),
        at.time("by") or kind.by,
    )


def _kind(at: _Row) -> Kind:
    name = at.row.get("do")
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]
    near = get_close_matches(str(name), list(KINDS), n=1, cutoff=0.0)
    nearest = f"; the nearest is {near[0]}" if name is not None else ""
    raise at.wrong("do", f"one of {', '.join(KINDS)}{nearest}")


def _nanos(value: object) -> Nanos | None:
    """A text such as ``1.5s``, or a number of seconds; None where it is no time."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    match = _TIME.fullmatch(str(value))
    return None if match is None else int(Decimal(match[1]) * _UNITS[match[2] or "s"])


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value
