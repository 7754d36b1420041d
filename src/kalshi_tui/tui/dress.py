"""A theme as Textual knows it, for the few stock widgets in sheets."""

from __future__ import annotations

from rich.style import Style
from textual.theme import Theme as TextualTheme

from kalshi_tui.tui.theme import Theme


def textual_theme(theme: Theme) -> TextualTheme:
    """``theme`` under its own name; on a ``default`` background the terminal's own colours stay untouched."""
    background = _colour(theme, "background")
    ansi = is_native(theme)
    text = _colour(theme, "text")
    return TextualTheme(
        name=theme.name,
        primary=_colour(theme, "border"),
        secondary=_colour(theme, "focus"),
        foreground=text,
        background=background,
        surface=background,
        panel=background,
        warning=_colour(theme, "warn"),
        error=text,
        success=text,
        accent=_colour(theme, "focus"),
        dark=theme.dark,
        ansi=ansi,
        # Textual's own style sheet names these two and its own ansi themes set them; the rest has defaults.
        variables={"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"} if ansi else {},
    )


def is_native(theme: Theme) -> bool:
    """Whether ``theme`` stands on the terminal's own background: its sixteen colours are then not translated."""
    return _colour(theme, "background") == "ansi_default"


def _colour(theme: Theme, role: str) -> str:
    colour = Style.parse(theme.styles[role]).color
    if colour is None or colour.is_default:
        return "ansi_default"
    return colour.name if colour.triplet is None and not colour.number else colour.get_truecolor().hex
