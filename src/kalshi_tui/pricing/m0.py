"""M0: a fixed edge around the mid. No opinion, no skew: the inventory cap alone stops it."""

from __future__ import annotations

from kalshi_tui.pricing.pipeline import Centre, blocked, finish, no_quote
from kalshi_tui.pricing.snapshot import MarketSnapshot, QuoteParams, require
from kalshi_tui.protocol.quotes import QuoteIntent


class M0Params(QuoteParams, frozen=True, kw_only=True):
    """Fixed edge around the mid."""

    edge: float = 0.015
    """Half-spread around the mid, dollars."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0.0 < self.edge <= 0.5, f"edge must be above 0, at most 0.5 dollars, not {self.edge}")


def quote(snapshot: MarketSnapshot, params: M0Params) -> QuoteIntent:
    """``bid = floor(mid - edge)``, ``ask = ceil(mid + edge)`` on the market's grid."""
    why = blocked(snapshot, params)
    mid = snapshot.features.mid
    if why is not None or mid is None:
        return no_quote(snapshot, "m0", why or "no mid", params.ttl_ms)
    return finish(snapshot, params, "m0", Centre(mid, params.edge))
