"""The settings: one small model per section, the docstring under each field is its manual.

``config.example.toml``, ``config show`` and the error messages are made from these. Nothing is here that no
code reads. Secrets never are: a key is named by the path of its file and its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kalshi_tui import locations
from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.relations import RelationKind, TickedRelation
from kalshi_tui.protocol.text import safe_text, safe_ticker
from kalshi_tui.protocol.units import DOLLAR, SECOND, Money, UnitError, parse_money

LEAST_BANKROLL: Money = 20 * DOLLAR


class TomlFloat(float):
    """A decimal of the file that remembers how it was written, so that money never passes through a
    float."""

    text: str

    def __new__(cls, text: str) -> TomlFloat:
        value = super().__new__(cls, text)
        value.text = text
        return value


def _dollars(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str | TomlFloat):
        raise ValueError("expected an amount in dollars such as 1000 or 250.50")
    try:
        return parse_money(value.text if isinstance(value, TomlFloat) else str(value))
    except UnitError:
        raise ValueError("expected an amount in dollars such as 1000 or 250.50") from None


IN_DOLLARS = object()
"""Marks a field that is written in dollars."""
Dollars = Annotated[Money, BeforeValidator(_dollars), IN_DOLLARS]
"""Written in dollars, held as ``Money``."""


CHOICE = "choice"
"""The kind of mistake of a name that is none of those there are; its context lists them."""


def choice_error(choices: Iterable[str]) -> PydanticCustomError:
    """For a validator to raise: the message names the choices and the one that is nearest."""
    return PydanticCustomError(CHOICE, "one of {choices}", {"choices": ", ".join(choices)})


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Account(Section):
    """An API key of this venue, made on the venue's web site."""

    key_id: str = ""
    """The id the venue shows beside the key."""
    key_file: str = ""
    """Path of the private key: a file that only you can read (chmod 600), no link."""

    @property
    def key_path(self) -> Path:
        return Path(self.key_file).expanduser()


class Venue(Section):
    """Where to trade when the command line does not say."""

    name: Literal["practice", "demo", "prod"] = "practice"
    """practice (ships with the program, no account needed), demo, or prod: Kalshi with real money."""
    markets: list[str] = []
    """Tickers to follow, e.g. ["KXFED-26DEC-H0"]. Empty: all of practice; demo and prod need some."""
    demo: Account = Account()
    prod: Account = Account()

    @field_validator("markets")
    @classmethod
    def _tickers(cls, markets: list[str]) -> list[str]:
        wrong = []
        for ticker in markets:
            try:
                safe_ticker(ticker)
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError(f'expected tickers such as "KXFED-26DEC-H0"; {", ".join(wrong)}')
        return markets


class Practice(Section):
    """The world of the practice exchange."""

    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    """The same seed brings the same markets and the same traders."""
    speed: float = Field(default=1.0, ge=0.1, le=100.0, allow_inf_nan=False)
    """How fast the world's calendar and arrivals run; clocks and expirations stay real."""
    scenario: Literal["default", "calm", "cpi-day", "arb", "crash"] = "default"
    """What happens there."""


class Risk(Section):
    """How much may be lost. Every limit follows from one number."""

    bankroll: Dollars = 10_000 * DOLLAR
    """Dollars set aside for this desk. A day may lose 5 % of it, the worst case of one event half of
    that."""

    @field_validator("bankroll")
    @classmethod
    def _some(cls, bankroll: Money) -> Money:
        if bankroll < LEAST_BANKROLL:
            raise ValueError("expected at least 20 dollars: smaller limits allow no order")
        return bankroll


class Ui(Section):
    """The screen."""

    theme: str = "night"
    """Name of a theme; `kalshi-tui themes` lists them. Your own go into the themes folder beside this
    file."""
    layout: Literal["desk", "ladder", "overview"] = "desk"
    """Which panes a screen opens with."""
    mouse: bool = True
    """Whether the terminal's mouse reaches the screen (false leaves selecting text to the terminal)."""
    refresh_hz: int = Field(default=10, ge=4, le=30)
    """How often the desk sends a new picture, per second."""

    @field_validator("theme")
    @classmethod
    def _there(cls, name: str) -> str:
        if name not in (names := locations.theme_names()):
            raise choice_error(names)
        return name


class Print(Section):
    """A release at a known time: quotes are gone before it and come back after it. Kalshi's own calendar is
    read from the venue; what stands here is added to it. Repeat the table for more."""

    label: str
    """What is released, e.g. "CPI"."""
    at: datetime
    """When: 2026-12-10T08:30:00 is New York time; with an offset (…-05:00, …Z) it is that."""
    pre_s: float = Field(default=120.0, ge=0, le=86_400)
    """Seconds before it by which quotes are gone."""
    post_s: float = Field(default=60.0, ge=0, le=86_400)
    """Seconds after it before they may come back."""
    series: list[str] = []
    """Series or events it concerns; empty: every market of the desk."""
    determines: list[str] = []
    """Series or events whose markets it decides: these are not quoted again."""

    def scheduled(self) -> ScheduledPrint:
        """As the kernel wants it: wall nanoseconds."""
        at = self.at if self.at.tzinfo is not None else self.at.replace(tzinfo=ZoneInfo("America/New_York"))
        return ScheduledPrint(
            label=safe_text(self.label, 40),
            at=int(at.timestamp()) * SECOND,
            pre_s=self.pre_s,
            post_s=self.post_s,
            series=tuple(self.series),
            determines=tuple(self.determines),
        )


def _decimal(value: object) -> object:
    if isinstance(value, TomlFloat):
        return Decimal(value.text)
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Relation(Section):
    """A relation across events, once you have read the rules of both: M3 then trades what contradicts it.
    `kalshi-tui relations` lists candidates with their rules in full, and prints the table to paste. Repeat the
    table for more."""

    kind: Literal["same_number", "nested"]
    """same_number: all strikes are on one number, so a bracket is the difference of two thresholds. nested: the
    first event can only pay where the next one does (by June, by December)."""
    series: list[str] = []
    """Their events that end at the same time belong together, e.g. ["KXCPI", "KXCPIBR"]; or name `events`."""
    events: list[str] = []
    """These very events; nested ones with the innermost first."""
    step: Annotated[Decimal | None, BeforeValidator(_decimal)] = Field(default=None, gt=0)
    """The number is published in steps of this (CPI in percent: 0.1); without it less is proved."""
    rules_sha256: list[str]
    """What was read: one entry for every rule text. Where a text is not among them, the relation is off."""

    @model_validator(mode="after")
    def _whole(self) -> Relation:
        if bool(self.series) == bool(self.events):
            raise ValueError("expected either series or events")
        if len(self.series or self.events) < 2:
            raise ValueError("expected at least two, a relation is between events")
        if self.kind == "nested" and self.series:
            raise ValueError("expected events: of nested ones the order counts, innermost first")
        if not all(re.fullmatch("[0-9a-f]{64}", one) for one in self.rules_sha256):
            raise ValueError(
                "expected rules_sha256 as `kalshi-tui relations` prints them: 64 hex digits each"
            )
        return self

    def ticked(self) -> TickedRelation:
        """As the kernel wants it."""
        return TickedRelation(
            RelationKind(self.kind),
            tuple(self.series),
            tuple(self.events),
            tuple(self.rules_sha256),
            self.step,
        )


class Record(Section):
    """Recording of market data, for replay."""

    on: bool = True
    """Write every frame to the tapes folder."""
    max_gib: int = Field(default=5, ge=1, le=10_000)
    """Room the tapes may take; the oldest go first."""
