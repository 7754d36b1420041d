"""Themes: colours by meaning, one TOML file each, checked when read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from msgspec import Struct

ROLES: dict[str, str] = {
    "background": "what everything stands on; a colour, or default for the terminal's own",
    "text": "live numbers and names",
    "dim": "headings, units, what recedes",
    "border": "frames",
    "focus": "the frame of the pane that has the keys",
    "key": "keys in hints",
    "cursor": "laid over the row under the cursor",
    "flash": "laid over what just changed",
    "bid": "bids",
    "ask": "asks",
    "own": "own orders",
    "last": "the last trade",
    "fair": "the engine's fair value",
    "stale": "numbers that are not live",
    "warn": "wants a look",
    "halt": "wants a hand",
    "calm": "regime calm",
    "active": "regime active",
    "event": "regime event",
    "armed": "the hand is armed",
    "practice": "venue practice",
    "demo": "venue demo",
    "prod": "venue prod, real money",
    "paper": "real feed, simulated fills",
}
"""Every meaning a theme gives a style to. Names of styles are ``bold``, ``reverse``, ``underline``, ``italic``,
``#rrggbb`` and the sixteen colours of a terminal; ``on`` starts the background."""

DEFAULT_THEME = "night"


class ThemeError(ValueError):
    """A theme file that is refused; the text names file and key and what to do."""


class Theme(Struct, frozen=True):
    """A checked theme. ``styles`` maps every role to a style in Rich's spelling."""

    name: str
    description: str
    dark: bool
    styles: dict[str, str]


def load_themes(user_dir: Path | None = None) -> dict[str, Theme]:
    """All themes by name; a user's file replaces a shipped one of the same name.

    ``ThemeError`` on the first bad file.
    """
    themes: dict[str, Theme] = {}
    for path in [*_shipped(), *_in_folder(user_dir)]:
        theme = read_theme(path)
        themes[theme.name] = theme
    return themes


def pick_theme(themes: dict[str, Theme], name: str | None) -> Theme:
    """The theme called ``name`` (None: the default)."""
    wanted = name or DEFAULT_THEME
    if wanted in themes:
        return themes[wanted]
    near = get_close_matches(wanted, themes, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ThemeError(f"there is no theme {wanted!r}{hint} (themes: {', '.join(sorted(themes))})")


def read_theme(path: Path) -> Theme:
    """The theme in ``path``; its name is the file's."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ThemeError(f"{path}: can not be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise ThemeError(f"{path}: is not TOML: {error}") from None
    for key in raw:
        if key not in ("description", "dark", "styles"):
            raise ThemeError(
                f"{path}: {key!r} is not a key of a theme; it has description, dark and [styles]"
            )
    styles = raw.get("styles")
    if not isinstance(styles, dict):
        raise ThemeError(f"{path}: the table [styles] is missing")
    description, dark = raw.get("description", ""), raw.get("dark", True)
    if not isinstance(description, str):
        raise ThemeError(f"{path}: description was {description!r}, not a text")
    if not isinstance(dark, bool):
        raise ThemeError(f"{path}: dark was {dark!r}, not true or false")
    return Theme(path.stem, description, dark, _checked(path, styles))


def _checked(path: Path, styles: dict[str, Any]) -> dict[str, str]:
    from rich.errors import StyleSyntaxError
    from rich.style import Style

    for key in styles:
        if key not in ROLES:
            near = get_close_matches(key, ROLES, n=1)
            raise ThemeError(
                f"{path}: styles.{key} is not a meaning"
                + (f"; did you mean {near[0]!r}?" if near else f" (meanings: {', '.join(ROLES)})")
            )
    checked: dict[str, str] = {}
    for role in ROLES:
        value = styles.get(role)
        if value is None:
            raise ThemeError(f"{path}: styles.{role} is missing ({ROLES[role]})")
        try:
            style = Style.parse(value) if isinstance(value, str) else None
        except StyleSyntaxError as error:
            raise ThemeError(f"{path}: styles.{role} = {value!r}: {error}") from None
        if style is None or style.link is not None:
            raise ThemeError(f'{path}: styles.{role} = {value!r} is not a style such as "bold #ffb000"')
        if role == "background" and (style.color is None or style.bgcolor is not None):
            raise ThemeError(f"{path}: styles.background = {value!r} is not one colour")
        checked[role] = value
    return checked


@cache
def _shipped() -> tuple[Path, ...]:
    """The themes of the installed package, or of the source tree it runs from."""
    packaged = Path(str(files("kalshi_tui"))) / "data" / "themes"
    folder = packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "themes"
    return tuple(_in_folder(folder))


def _in_folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None and folder.is_dir():
        yield from sorted(folder.glob("*.toml"))
