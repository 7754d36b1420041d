"""``kalshi-tui relations``: events that may hang together, their rules in full, and what to write once read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kalshi_tui.cli.common import Fault, emit, json_option, one_desk, say, venue_option, with_client
from kalshi_tui.cli.options import USAGE

if TYPE_CHECKING:
    from kalshi_tui.config_models import Relation
    from kalshi_tui.desk.client import DeskClient
    from kalshi_tui.pricing.relation_candidates import Candidate
    from kalshi_tui.protocol.relations import MarketRules


@click.command()
@click.argument("series", nargs=-1, metavar="[SERIES…]")
@venue_option
@json_option
def relations(series: tuple[str, ...], venue: str | None, as_json: bool) -> None:
    """Events whose markets may hang together, with the rules to read before M3 may trade what contradicts them.

    Without SERIES: the markets of the running desk. With it: the open events of these series on demo or prod,
    read without a key. Nothing is written: paste the table into your configuration once you have read both rules.
    """
    from kalshi_tui.pricing.relation_candidates import blocks, candidates, toml_block

    found = list(candidates(_of_venue(venue, series) if series else _of_desk(venue)))
    ticked = _ticked()
    for group in blocks(found).values():
        for one in group:
            (_say_json if as_json else _say)(one, _state(one, ticked))
        if as_json:
            emit("relation_toml", {"series": list(group[0].series), "toml": toml_block(group)})
        else:
            click.echo(
                f"To tick it, having read every rule above, add this to {_file()}:\n\n{toml_block(group)}\n"
            )
    if not found and not as_json:
        say(
            "no two of these events share their source, their end and a strike, or ask the same with a later end."
        )


def _of_desk(venue: str | None) -> list[MarketRules]:
    from kalshi_tui.protocol.commands import Describe
    from kalshi_tui.protocol.views import MarketCard

    async def read(client: DeskClient) -> list[MarketRules]:
        view = await client.status()
        for row in view.markets:
            await client.request(Describe(0, row.ticker))
        cards = client.messages()
        found: list[MarketRules] = []
        while len(found) < len(view.markets):
            message = await anext(cards)
            if isinstance(message, MarketCard) and message.rules is not None:
                found.append(message.rules)
        return found

    return with_client(one_desk(venue), read)


def _of_venue(venue: str | None, series: Sequence[str]) -> list[MarketRules]:
    from kalshi_tui.desk.loop import instant
    from kalshi_tui.protocol.events import ReadFailed
    from kalshi_tui.protocol.relations import market_rules
    from kalshi_tui.protocol.text import safe_ticker
    from kalshi_tui.venue.catalog import Catalog
    from kalshi_tui.venue.hosts import endpoints
    from kalshi_tui.venue.transport import Transport

    if venue == "practice":
        raise Fault(
            "series are read from demo or prod; leave them out to see those of the practice desk.", USAGE
        )
    try:
        names = [safe_ticker(name) for name in series]
    except ValueError as error:
        raise Fault(f"{error}.", USAGE) from None

    async def read() -> list[MarketRules]:
        transport = Transport(endpoints(venue or "prod"), None, instant)
        try:
            answer = await Catalog(transport).load_universe(names)
        finally:
            await transport.close()
        if isinstance(answer, ReadFailed):
            why = str(answer.error.message or answer.error.code).rstrip(".")
            raise Fault(f"reading the events of {', '.join(names)} from {venue or 'prod'} failed: {why}.")
        stated = {s.ticker: s.settlement_sources for s in answer.series}
        stated |= {e.ticker: e.settlement_sources for e in answer.events if e.settlement_sources}
        return [
            market_rules(m, stated.get(m.event_ticker) or stated.get(m.series_ticker) or ())
            for m in answer.markets
        ]

    return asyncio.run(read())


def _ticked() -> Sequence[Relation]:
    """What the user's configuration holds; a broken one is said, and nothing counts as ticked."""
    from kalshi_tui import config

    try:
        return config.load().settings.relations
    except config.ConfigError as error:
        say(f"the configuration cannot be read, so nothing counts as ticked: {error}")
        return ()


def _file() -> str:
    from kalshi_tui import locations

    return str(locations.config_file())


def _state(one: Candidate, ticked: Sequence[Relation]) -> str:
    """not ticked, ticked, in force without, or that its texts are not the ones that were read."""
    from kalshi_tui.kernel.relations_links import PRACTICE

    for own in PRACTICE:
        if set(one.series) <= set(own.series):
            return f"in force: {own.proved}"
    for relation in ticked:
        named = set(one.events) <= set(relation.events) or set(one.series) <= set(relation.series)
        if named and relation.kind == one.kind.value:
            read = all(market.sha256 in relation.rules_sha256 for market in one.markets)
            return "ticked" if read else "off: its rules changed since they were read"
    return "not ticked"


def _say(one: Candidate, state: str) -> None:
    lines = [f"{one.kind.value}: {' and '.join(one.events)} ({state})", f"  {one.why}"]
    for event in one.events:
        own = [market for market in one.markets if market.event_ticker == event]
        lines += ["", event, f"  source: {', '.join(own[0].sources) or 'not named'}"]
        for market in own:
            lines += [f"  {market.ticker}  {market.label}", f"    {market.primary}"]
            lines += [f"    {market.secondary}"] if market.secondary else []
    click.echo("\n".join([*lines, ""]))


def _say_json(one: Candidate, state: str) -> None:
    import msgspec

    fields = {"kind": one.kind.value, "events": list(one.events), "series": list(one.series)}
    markets = msgspec.to_builtins(one.markets)
    emit("relation", {**fields, "state": state, "why": one.why, "markets": markets})
