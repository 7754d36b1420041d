"""One decision as plain data, for ``decisions_hash``: integers exact, floats by ``repr``, no wall time of ours."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from kalshi_tui.kernel.state import DeskState
from kalshi_tui.protocol.effects import Effect, Report
from kalshi_tui.protocol.instant import Instant
from kalshi_tui.protocol.quotes import QuoteIntent


def entry(desk: DeskState, now: Instant, decided: tuple[str, ...], effects: list[Effect]) -> object:
    """[instant, per decided market (intent, what risk left, why), effects]."""
    markets = []
    for ticker in decided:
        market = desk.markets.get(ticker)
        if market is not None:
            markets.append(
                [ticker, _plain(_worded(market.intent)), _plain(market.bid), _plain(market.ask), market.why]
            )
    return [now.wall, markets, [[type(e).__name__, _plain(_worded(e))] for e in effects]]


def _worded(value: object) -> object:
    """The same with its words in place."""
    if isinstance(value, QuoteIntent):
        return replace(value, said=value.reason)
    return replace(value, said=value.fields) if isinstance(value, Report) else value


def _plain(value: object) -> object:
    plain = msgspec.to_builtins(value)
    return _floats_as_text(plain)


def _floats_as_text(value: object) -> object:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: _floats_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_floats_as_text(inner) for inner in value]
    return value
