"""Reading the configuration: command line over environment over file over defaults.

Every mistake is named with the place it came from (file and line, variable, option), the key, what it was
and what is expected; an unknown key with the nearest valid one.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError, create_model, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kalshi_tui import locations
from kalshi_tui.config_engines import Engines, engines_section
from kalshi_tui.config_lines import key_lines, line_of
from kalshi_tui.config_models import (
    CHOICE,
    Practice,
    Print,
    Record,
    Relation,
    Risk,
    Section,
    TomlFloat,
    Ui,
    Venue,
)
from kalshi_tui.protocol.text import safe_text
from kalshi_tui.protocol.units import counted
from kalshi_tui.tui.actions import KeymapError, resolve_keymap

ENV_PREFIX = "KALSHI_TUI__"
MAX_FILE_BYTES = 1_000_000
MAX_MISTAKES = 100


class ConfigError(Exception):
    """One sentence per mistake, each naming its place."""


class Settings(Section):
    """All settings. ``settings_model`` adds the engines' parameters."""

    venue: Venue = Venue()
    engines: Engines = Engines()
    practice: Practice = Practice()
    risk: Risk = Risk()
    ui: Ui = Ui()
    keymap: dict[str, str] = Field(default={})
    """Your own keys by action id, e.g. recentre = "space"; `kalshi-tui keys` lists the ids."""
    record: Record = Record()
    calendar: list[Print] = Field(default=[])
    relations: list[Relation] = Field(default=[])

    @field_validator("keymap")
    @classmethod
    def _no_clash(cls, keymap: dict[str, str]) -> dict[str, str]:
        try:
            resolve_keymap(keymap)
        except KeymapError as error:
            raise ValueError(str(error).removeprefix("keymap: ")) from None
        return keymap


@dataclass(frozen=True)
class Loaded:
    """The settings and where each value that is no default came from, by dotted key."""

    settings: Settings
    file: Path
    origins: Mapping[str, str]


@cache
def settings_model() -> type[Settings]:
    """``Settings`` with a table per pricing engine."""
    from kalshi_tui.pricing.base import parameter_models

    section = engines_section(tuple(parameter_models().items()))
    return create_model("AllSettings", __base__=Settings, engines=(section, section()))


def load(
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Loaded:
    """The settings in force. ``options`` are command-line values by dotted key; None among them means not
    given.

    Without ``file`` the user's own is read where it exists; a named one must exist. Raises ``ConfigError``.
    """
    path = file or locations.config_file()
    model = settings_model()
    text = _read(path, must_exist=file is not None)
    values = _parse(path, text)
    lines = key_lines(text)
    origins = {".".join(key): f"{path}:{line_of(lines, key)}" for key in _leaves(values)}
    mistakes = []
    for variable, raw in sorted((os.environ if env is None else env).items()):
        if variable.startswith(ENV_PREFIX):
            key = tuple(part.lower() for part in variable.removeprefix(ENV_PREFIX).split("__"))
            origins[".".join(key)] = variable
            mistakes += _put(values, key, _from_text(model, key, raw), variable)
    for name, value in (options or {}).items():
        if value is not None:
            origins[name] = "command line"
            mistakes += _put(values, tuple(name.split(".")), value, "command line")
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        mistakes += [_sentence(model, detail, origins, path, lines) for detail in error.errors()]
    if mistakes:
        more = len(mistakes) - MAX_MISTAKES
        left_out = [f"and {counted(more, 'mistake')} more."] if more > 0 else []
        raise ConfigError("\n".join([*mistakes[:MAX_MISTAKES], *left_out]))
    return Loaded(settings, path, origins)


Key = tuple[str, ...]


def keys_of(model: type[Section], prefix: Key = ()) -> Iterator[tuple[Key, FieldInfo]]:
    """Every setting that holds a value, as (path, field), sections opened up."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from keys_of(annotation, (*prefix, name))
        else:
            yield (*prefix, name), field


def _read(path: Path, must_exist: bool) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_FILE_BYTES:,} bytes; this is no configuration.")
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise ConfigError(
                f"{path}: there is no such file; "
                f"`kalshi-tui config init` makes one at {locations.config_file()}."
            ) from None
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()}).") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=TomlFloat)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path}: not valid TOML: {safe_text(error)}.") from None


def _leaves(values: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*prefix, name))
        else:
            yield (*prefix, name)


def _put(values: dict[str, Any], key: tuple[str, ...], value: object, place: str) -> list[str]:
    """Lay one value over the tree; the mistakes found (a plain value where a section is needed)."""
    table = values
    for part in key[:-1]:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            return [f"{place}: {'.'.join(key)} cannot be set, because {part} is no section."]
        table = inner
    table[key[-1]] = value
    return []


def _from_text(model: type[Section], key: tuple[str, ...], raw: str) -> object:
    """An environment variable's text as the type its setting has; the text itself where it does not fit."""
    field = dict(keys_of(model)).get(key)
    if field is None or field.annotation is None or field.annotation is str:
        return raw
    if get_origin(field.annotation) is list:
        return [part.strip() for part in raw.split(",") if part.strip()]
    adapter: TypeAdapter[object] = TypeAdapter(field.annotation)
    try:
        return adapter.validate_python(raw, strict=False)
    except ValidationError:
        return raw


_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": 'text in quotes, such as "night"',
    "list_type": 'a list, such as ["A", "B"]',
    "dict_type": "a table of its own",
    "datetime_type": "a date and time such as 2026-12-10T08:30:00",
    "datetime_parsing": "a date and time such as 2026-12-10T08:30:00",
    "model_type": "a section of its own",
    "model_attributes_type": "a section of its own",
}


def _sentence(
    model: type[Section],
    detail: ErrorDetails,
    origins: Mapping[str, str],
    path: Path,
    lines: dict[tuple[str, ...], int],
) -> str:
    """One mistake in words."""
    key = tuple(part for part in detail["loc"] if isinstance(part, str))
    dotted = ".".join(key)
    line = line_of(lines, tuple(map(str, detail["loc"])))
    place = origins.get(dotted) or (f"{path}:{line}" if line else str(path))
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(dotted, _names(model), n=1, cutoff=0.0)
        return f"{place}: unknown key {safe_text(dotted, 80)}; the nearest valid one is {near[0]}."
    said = str(detail.get("ctx", {}).get("error", ""))
    if said and not said.startswith("expected "):
        # A sentence of its own, from an engine about its parameters or from the keymap. An engine's begins
        # with the name of the key.
        return f"{origins.get(f'{dotted}.{said.split()[0]}', place)}: {dotted}: {said}."
    if detail["type"] == "missing":
        return f"{place}: {dotted} is missing; add it."
    field = _fields(model).get(key)
    shown = safe_text(repr(detail["input"]), 60)
    return f"{place}: {dotted} was {shown}; expected {_expected(detail, field)}."


def _names(model: type[Section]) -> list[str]:
    """Every valid key and section by dotted name."""
    keys = list(_fields(model))
    return sorted({".".join(key[:length]) for key in keys for length in range(1, len(key) + 1)})


def _fields(model: type[Section]) -> dict[Key, FieldInfo]:
    """Every setting by path, those of repeated tables included."""
    fields = dict(keys_of(model))
    for key, field in list(fields.items()):
        entry = get_args(field.annotation)[0] if get_origin(field.annotation) is list else None
        if isinstance(entry, type) and issubclass(entry, Section):
            fields.update(keys_of(entry, key))
    return fields


def _expected(detail: ErrorDetails, field: FieldInfo | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == CHOICE:
        return _choice(context["choices"].split(", "), detail["input"])
    if kind == "literal_error" and field is not None:
        return _choice([str(choice) for choice in get_args(field.annotation)], detail["input"])
    if kind == "value_error":
        return str(context["error"]).removeprefix("expected ")
    bounds = _bounds(field) if field else ""
    if kind in ("greater_than_equal", "greater_than", "less_than_equal", "less_than"):
        return f"a number{bounds}"
    return _EXPECTED.get(kind, detail["msg"][:1].lower() + detail["msg"][1:]) + bounds


def _choice(choices: list[str], given: object) -> str:
    """What there is to choose from, and the one that was probably meant."""
    near = difflib.get_close_matches(str(given), choices, n=1)
    return f"one of {', '.join(choices)}" + (f"; the nearest is {near[0]}" if near else "")


def _bounds(field: FieldInfo) -> str:
    limits = {
        name: getattr(meta, name) for meta in field.metadata for name in ("ge", "le") if hasattr(meta, name)
    }
    if len(limits) == 2:
        return f" from {limits['ge']} to {limits['le']}"
    return "".join(f" of at {'least' if name == 'ge' else 'most'} {value}" for name, value in limits.items())
