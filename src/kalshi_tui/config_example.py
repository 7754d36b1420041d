"""``config.example.toml``, written from the models: every key with its meaning and its default.

Run as ``python -m kalshi_tui.config_example`` it prints the file.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from kalshi_tui.config import settings_model
from kalshi_tui.config_engines import field_docs
from kalshi_tui.config_models import IN_DOLLARS, Print, Relation, Risk, Section
from kalshi_tui.protocol.units import Money, format_money

_HEAD = """\
# kalshi-tui configuration. Every key is shown with its default; uncomment what you change.
# The command line wins over the environment (KALSHI_TUI__SECTION__KEY), that over this file.
# Keys and passwords do not belong in here: name the file that holds a key, and the key's id.
"""


def example() -> str:
    """The text of ``config.example.toml``."""
    return _HEAD + "\n".join(_section(settings_model()(), ())) + "\n"


def user_file(bankroll: Money) -> str:
    """What ``config init`` writes: the example with the trader's own bankroll (``Money``) filled in."""
    default = f"#bankroll = {_dollars(Risk().bankroll)}"
    return example().replace(default, f"bankroll = {_dollars(bankroll)}")


def _section(section: Section, path: tuple[str, ...]) -> Iterator[str]:
    inner: list[tuple[str, Section]] = []
    tables: list[str] = []
    docs = field_docs(type(section))
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            inner.append((name, value))
        elif (entry := _entry_of(field)) is not None:
            tables += ["", *_comment(_summary(entry)), f"#[[{name}]]", *_entry(entry)]
        elif isinstance(value, dict):
            tables += ["", *_comment(docs.get(name, "")), f"[{'.'.join((*path, name))}]"]
        else:
            yield from _comment(docs.get(name) or field.description or "")
            yield f"#{name} = {shown(field, value)}{_choices(field)}"
    for name, value in inner:
        where = (*path, name)
        yield from ("", *_comment(_summary(type(value))), f"[{'.'.join(where)}]")
        yield from _section(value, where)
    yield from tables


_SHOWN_INSTEAD: dict[type[Section], dict[str, str]] = {
    Print: {"label": '"CPI"', "at": "2026-12-10T08:30:00", "series": '["KXCPI"]'},
    Relation: {
        "kind": '"same_number"',
        "series": '["KXCPI", "KXCPIBR"]',
        "step": "0.1",
        "rules_sha256": '["' + "0" * 64 + '"]',
    },
}
"""Repeated tables have no defaults that say much: examples by key."""


def _entry_of(field: FieldInfo) -> type[Section] | None:
    """The table that a list of tables repeats; None for other fields."""
    inner = get_args(field.annotation)
    return next((table for table in _SHOWN_INSTEAD if inner == (table,)), None)


def _entry(table: type[Section]) -> Iterator[str]:
    """The keys of one repeated table, filled with an example."""
    docs = field_docs(table)
    for name, field in table.model_fields.items():
        yield from _comment(docs[name])
        default = field.get_default(call_default_factory=True)
        yield f"#{name} = {_SHOWN_INSTEAD[table].get(name) or _toml(default)}"


def _summary(section: type[Section]) -> str:
    return (section.__doc__ or "").strip()


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), 100)]


def shown(field: FieldInfo, value: object) -> str:
    """A value as it stands in the file."""
    return _dollars(value) if isinstance(value, int) and IN_DOLLARS in field.metadata else _toml(value)


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return f"  # one of {', '.join(map(str, get_args(field.annotation)))}"


def _dollars(money: Money) -> str:
    return format_money(money).rstrip("0").rstrip(".")


def _toml(value: object) -> str:
    """A default as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return _toml(value.value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list() | tuple():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case _:
            return str(value)


if __name__ == "__main__":
    sys.stdout.write(example())
