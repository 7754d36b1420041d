"""M2: M1 that knows the regime. Wider, smaller, quicker when the market is active; gone around events."""

from __future__ import annotations

from kalshi_tui.pricing.m1 import M1Params, centre
from kalshi_tui.pricing.pipeline import Centre, blocked, finish, no_quote
from kalshi_tui.pricing.snapshot import MarketSnapshot, require
from kalshi_tui.protocol.quotes import QuoteIntent, Regime


class M2Params(M1Params, frozen=True, kw_only=True):
    """M1 with a row of multipliers per regime."""

    ttl_ms: int = 30_000
    """A calm quote that is not refreshed for this long is withdrawn."""
    requote_levels: int = 2
    """Levels the target must move in calm before a working order gives up its place."""
    edge_active: float = 1.75
    """Half-spread multiplier when active."""
    size_active: float = 0.5
    """Size multiplier when active."""
    eta_active: float = 1.5
    """Skew multiplier when active."""
    ttl_active_ms: int = 8_000
    """Time to live when active."""
    requote_active: int = 1
    """Levels the target must move when active."""
    quote_events: bool = False
    """Quote in event windows, reduce-only, instead of pulling."""
    edge_event: float = 4.0
    """Half-spread multiplier in an event window, where quoting in one is allowed."""
    size_event: float = 0.1
    """Size multiplier in an event window."""
    ttl_event_ms: int = 2_000
    """Time to live in an event window."""
    requote_event: int = 1
    """Levels the target must move in an event window."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            1.0 <= self.edge_active <= self.edge_event <= 20.0,
            f"half-spread multipliers must be 1 <= edge_active <= edge_event <= 20, "
            f"not {self.edge_active} and {self.edge_event}",
        )
        require(
            0.0 <= self.size_event <= self.size_active <= 1.0,
            f"size multipliers must be 0 <= size_event <= size_active <= 1, "
            f"not {self.size_event} and {self.size_active}",
        )
        require(0.0 <= self.eta_active <= 5.0, f"eta_active must be 0 to 5, not {self.eta_active}")
        for name in ("ttl_active_ms", "ttl_event_ms"):
            value = getattr(self, name)
            require(500 <= value <= 60_000, f"{name} must be 500 to 60000 milliseconds, not {value}")
        for name in ("requote_active", "requote_event"):
            value = getattr(self, name)
            require(1 <= value <= 100, f"{name} must be 1 to 100, not {value}")


def quote(snapshot: MarketSnapshot, params: M2Params) -> QuoteIntent:
    """M1's quote, scaled by the regime in the snapshot."""
    if snapshot.regime is Regime.CALM:
        edge, size, eta, ttl_ms, requote = 1.0, 1.0, 1.0, params.ttl_ms, params.requote_levels
    elif snapshot.regime is Regime.ACTIVE:
        edge, size, eta = params.edge_active, params.size_active, params.eta_active
        ttl_ms, requote = params.ttl_active_ms, params.requote_active
    else:
        edge, size, eta = params.edge_event, params.size_event, params.eta_active
        ttl_ms, requote = params.ttl_event_ms, params.requote_event
    why = blocked(snapshot, params)
    if why is None and snapshot.regime is Regime.EVENT and not params.quote_events:
        why = f"{'a jump' if snapshot.features.jump else 'event window'}, quotes pulled"
    around = centre(snapshot, params, eta, edge) if why is None else None
    if around is None:
        return no_quote(snapshot, "m2", why or "no mid", ttl_ms)
    scaled = Centre(
        around.fair,
        around.half,
        around.skew,
        around.bid_size * size,
        around.ask_size * size,
        around.note,
        "event window" if snapshot.regime is Regime.EVENT else "",
    )
    return finish(snapshot, params, "m2", scaled, ttl_ms, requote)
