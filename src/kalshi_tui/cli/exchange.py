"""``kalshi-tui exchange``: the practice exchange alone, for any Kalshi client."""

from __future__ import annotations

import click

from kalshi_tui.cli.common import Fault
from kalshi_tui.practice.faults_kinds import KINDS
from kalshi_tui.practice.scenarios import scenario_names

SLOWEST, FASTEST = 0.1, 100.0
"""The same as in the configuration: ``practice.speed``."""


_FAULTS = "\n".join(f"  {kind.name:<13}{kind.meaning}" for kind in KINDS.values())


@click.command(
    epilog=f"""\b
Faults (keys of a [[fault]] in a file: do, at, for, every, times, share, market, path, by):
{_FAULTS}"""
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one."
)
@click.option("--seed", type=click.IntRange(0), help="The same seed, the same world. Drawn when left out.")
@click.option(
    "--scenario",
    type=click.Choice(scenario_names()),
    default="default",
    show_default=True,
    help="What happens there.",
)
@click.option("--speed", type=float, default=1.0, show_default=True, help="Of the world's calendar.")
@click.option("--key", type=click.Choice(("ed25519", "rsa")), default="ed25519", show_default=True)
@click.option(
    "--faults",
    "plan",
    metavar="PLAN",
    help="What goes wrong and when: a TOML file, or such as drop@10s,silence@30s+6s,dup@15s:3.",
)
def exchange(port: int, seed: int | None, scenario: str, speed: float, key: str, plan: str | None) -> int:
    """Serve the practice exchange on 127.0.0.1 until interrupted; one JSON line says when it is ready.

    With --faults a last JSON line counts what each fault did.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise click.BadParameter(
            f"{speed:g} is no number from {SLOWEST:g} to {FASTEST:g}.", param_hint="'--speed'"
        )
    from kalshi_tui.practice.faults_read import PlanError, read_plan

    try:
        faults = tuple(read_plan(plan)) if plan is not None else ()
    except PlanError as error:
        raise Fault(f"{error}.", code=2) from None
    from kalshi_tui.practice.server import Options, run

    return run(Options(port=port, seed=seed, scenario=scenario, speed=speed, key=key, faults=faults))
