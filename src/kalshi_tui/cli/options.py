"""The options of ``run`` and how they, the configuration and the venue make a desk's plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kalshi_tui.cli.common import Fault

if TYPE_CHECKING:
    from kalshi_tui.config import Loaded
    from kalshi_tui.config_models import Account
    from kalshi_tui.desk.plan import Plan

USAGE = 2
AUTHENTICATION = 3
F = TypeVar("F", bound=Callable[..., object])

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """``30s``, ``5m``, ``1h``; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = _DURATION.fullmatch(str(value))
        if match is None or float(match[1]) <= 0:
            self.fail(f"{value!r} is no time above zero such as 30s, 5m or 1h.", param, ctx)
        return float(match[1]) * _SECONDS[match[2] or "s"]


class Tickers(click.ParamType[list[str]]):
    """Tickers separated by commas."""

    name = "A,B,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        from kalshi_tui.protocol.text import safe_ticker

        try:
            tickers = [safe_ticker(part.strip()) for part in str(value).split(",") if part.strip()]
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        if not tickers:
            self.fail(f"{value!r} names no ticker.", param, ctx)
        return tickers


PATH = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--venue", type=click.Choice(("practice", "demo", "prod")), help="Default: practice."),
    click.option(
        "--execution",
        type=click.Choice(("venue", "paper", "none")),
        help="venue: orders go there. paper: real feed, simulated fills. none: only watch.",
    ),
    click.option("--live", is_flag=True, hidden=True),
    click.option("--unattended", is_flag=True, help="Keep quoting when no screen is in control."),
    click.option("--markets", type=Tickers(), help="Follow these tickers only."),
    click.option("--engine", help="The engine markets start with: m0, m1, m2 or m3."),
    click.option("--quote", is_flag=True, help="Switch quoting on from the start."),
    click.option("--no-ui", is_flag=True, help="No screen; the desk lives in this process."),
    click.option("--for", "seconds", type=Duration(), help="With --no-ui: end after 30s, 5m, 1h …"),
    click.option("--json", "as_json", is_flag=True, help="With --no-ui: one JSON object a line on stdout."),
    click.option("--seed", type=click.IntRange(0), help="Practice: the same seed, the same world."),
    click.option("--speed", type=float, help="Practice: how fast the world's calendar runs."),
    click.option("--scenario", help="Practice: default, calm, cpi-day, arb, crash."),
    click.option("--rest", metavar="URL", help="Practice: an exchange that already runs (loopback only) …"),
    click.option("--ws", metavar="URL", help="… its feed …"),
    click.option("--key-id", metavar="ID", help="… and the key: its id …"),
    click.option(
        "--key-file", type=PATH, help="… and its file. For demo and prod: instead of the configured ones."
    ),
    click.option("--config", "config_file", type=PATH, help="Instead of your own configuration file."),
    click.option("--theme", metavar="NAME", help="`kalshi-tui themes` lists them."),
    click.option("--layout", metavar="NAME", help="The screen's layout: desk, ladder or overview."),
    click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal."),
    click.option("--record/--no-record", default=None, help="Record market data for replay."),
)


def run_options(command: F) -> F:
    """All options of ``run``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def load_config(given: dict[str, Any]) -> Loaded:
    """The settings under the options given; a mistake in them exits 2 with its sentences."""
    from kalshi_tui import config

    options = {
        "venue.name": given["venue"],
        "venue.markets": given["markets"],
        "engines.default": given["engine"],
        "practice.seed": given["seed"],
        "practice.speed": given["speed"],
        "practice.scenario": given["scenario"],
        "ui.theme": given["theme"],
        "ui.layout": given["layout"],
        "ui.mouse": False if given["no_mouse"] else None,
        "record.on": given["record"],
    }
    try:
        return config.load(given["config_file"], options=options)
    except config.ConfigError as error:
        raise Fault(str(error), USAGE) from None


def make_plan(given: dict[str, Any], loaded: Loaded) -> Plan:
    """The desk these options and settings ask for; ``Fault`` where something it needs is missing."""
    import msgspec

    from kalshi_tui.cli.calibrate import accepted_calibrations
    from kalshi_tui.desk.plan import Plan

    settings = loaded.settings
    venue = settings.venue.name
    only_where_they_mean_something(given, venue)
    account = _account(given, venue, settings.venue)
    return Plan(
        venue=venue,
        execution=given["execution"] or ("paper" if venue == "prod" else "venue"),
        engine=settings.engines.default,
        engines=settings.engines.markets,
        engine_params={
            name: msgspec.to_builtins(params) for name, params in settings.engines.params().items()
        },
        calibrations=accepted_calibrations(settings.engines.calibrations),
        bankroll=settings.risk.bankroll,
        prints=tuple(entry.scheduled() for entry in settings.calendar),
        relations=tuple(entry.ticked() for entry in settings.relations),
        markets=tuple(settings.venue.markets),
        quote=given["quote"],
        unattended=given["unattended"],
        headless=given["no_ui"],
        json=given["as_json"],
        seconds=given["seconds"],
        refresh_hz=settings.ui.refresh_hz,
        record=settings.record.on,
        record_gib=settings.record.max_gib,
        seed=settings.practice.seed,
        speed=settings.practice.speed,
        scenario=settings.practice.scenario,
        rest=given["rest"] or "",
        ws=given["ws"] or "",
        key_id=account[0],
        key_file=account[1],
    )


def only_where_they_mean_something(given: dict[str, Any], venue: str) -> None:
    """An option that would be ignored is an error."""
    if given["live"]:
        raise Fault(
            "this version sends no order to prod, so there is no --live: leave it out; "
            "--venue prod trades on paper.",
            USAGE,
        )
    address = [name for name in ("rest", "ws") if given[name]]
    if venue != "practice":
        world = [
            f"--{name}" for name in ("seed", "speed", "scenario", "rest", "ws") if given[name] is not None
        ]
        if world:
            raise Fault(f"{', '.join(world)} belong to --venue practice, not to {venue}.", USAGE)
        if venue == "prod" and given["execution"] == "venue":
            raise Fault(
                "this version sends no order to prod: leave --execution out (paper), or use none.", USAGE
            )
    elif address:
        missing = [f"--{n.replace('_', '-')}" for n in ("rest", "ws", "key_id", "key_file") if not given[n]]
        if missing:
            raise Fault(f"an exchange that already runs also needs {', '.join(missing)}.", USAGE)
        world = [f"--{name}" for name in ("seed", "speed", "scenario") if given[name] is not None]
        if world:
            raise Fault(
                f"{', '.join(world)} belong to the embedded exchange; leave them out with --rest.", USAGE
            )
    elif given["key_id"] or given["key_file"]:
        raise Fault("--key-id and --key-file need --rest and --ws, or --venue demo or prod.", USAGE)
    if not given["no_ui"]:
        useless = [name for name, set_ in (("--for", given["seconds"]), ("--json", given["as_json"])) if set_]
        if useless:
            needs = "need" if len(useless) > 1 else "needs"
            raise Fault(f"{', '.join(useless)} {needs} --no-ui.", USAGE)


def _account(given: dict[str, Any], venue: str, section: Any) -> tuple[str, str]:
    """Key id and key file; nothing for the embedded exchange, which makes its own."""
    if venue == "practice":
        return given["key_id"] or "", str(given["key_file"] or "")
    configured: Account = getattr(section, venue)
    key_id = given["key_id"] or configured.key_id
    key_file = str(given["key_file"] or "") or (str(configured.key_path) if configured.key_file else "")
    if not key_id or not key_file:
        raise Fault(
            f"{venue} needs an API key: make one on the exchange's web site, then set key_id and key_file "
            f"under [venue.{venue}] in the configuration (`kalshi-tui config path`), "
            "or use --key-id and --key-file.",
            AUTHENTICATION,
        )
    return key_id, key_file
