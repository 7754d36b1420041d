"""What every engine is given, and the parameters all of them share."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.features.snapshot import FeatureSnapshot
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.quotes import QuoteSides, Regime
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Count, Nanos, Price


class PairLean(Struct, frozen=True):
    """What a statistical pair wants of one market: a habit, never a proof."""

    want: Count
    """Signed contracts still to be bought (or, below 0, sold) as a maker."""
    shift: float
    """Dollars that fair is moved by."""
    words: str


class MarketSnapshot(Struct, frozen=True, gc=False):
    """One market at one decision: the engine's whole world. Own orders are taken out of the touch."""

    ticker: str
    grid: TickGrid | None
    best_bid: Price | None
    bid_size: Count
    best_ask: Price | None
    ask_size: Count
    features: FeatureSnapshot
    position: Count
    max_position: Count
    """The cap in force for this market, after the risk engines' multipliers."""
    fee: FeeSchedule
    wall: Nanos
    regime: Regime = Regime.CALM
    seconds_to_close: float | None = None
    life_s: float | None = None
    """How long the market trades in all, seconds; None is taken as a long one."""
    size_scale: float = 1.0
    """The desk's multiplier on sizes, 0..1. An engine's own regime scale comes on top."""
    edge_scale: float = 1.0
    """The desk's multiplier on half-spreads, >= 1."""
    sides: QuoteSides = QuoteSides.BOTH
    lean_levels: int = 0
    """The trader's own shift of fair, in levels; positive is up."""
    widen: float = 0.0
    """The trader's own widening: half-spreads are multiplied by 1 + widen, >= 0."""
    coherent: float | None = None
    """Fair value that agrees with the sibling markets, dollars; None where no relation is proved."""
    relation: str = ""
    """What the siblings say, in words: the scan's reason."""
    pair: PairLean | None = None
    """What a statistical pair wants here, for M3."""


def require(ok: bool, sentence: str) -> None:
    """A parameter check: ``ValueError`` with one plain sentence."""
    if not ok:
        raise ValueError(sentence)


class QuoteParams(Struct, frozen=True, kw_only=True):
    """What all engines share. Prices are dollars, times milliseconds."""

    size: int = 10
    """Contracts per side of a full-size quote."""
    min_edge: float = 0.005
    """Least edge against fair after the maker fee, dollars per contract."""
    max_half: float = 0.10
    """Half-spreads are never wider than this, dollars, unless fees ask for more."""
    max_spread: float = 0.10
    """No quote while the market's own spread is wider than this, dollars: its mid means nothing."""
    ttl_ms: int = 15_000
    """A quote that is not refreshed for this long is withdrawn."""
    requote_levels: int = 1
    """Levels the target must move before a working order gives up its place (at least half a cent)."""
    tail: float = 0.03
    """No quotes below this fair value or above one minus it, except to reduce a position."""
    edge_levels: int = 2
    """No bid below this many levels, no ask above the mirror image, except to reduce a position."""

    def __post_init__(self) -> None:
        require(1 <= self.size <= 100_000, f"size must be 1 to 100000 contracts, not {self.size}")
        require(0.0 <= self.min_edge <= 0.5, f"min_edge must be 0 to 0.5 dollars, not {self.min_edge}")
        require(
            0.0 < self.max_half <= 0.5, f"max_half must be above 0, at most 0.5 dollars, not {self.max_half}"
        )
        require(
            0.0 < self.max_spread <= 1.0,
            f"max_spread must be above 0, at most 1 dollar, not {self.max_spread}",
        )
        require(500 <= self.ttl_ms <= 60_000, f"ttl_ms must be 500 to 60000 milliseconds, not {self.ttl_ms}")
        require(
            1 <= self.requote_levels <= 100, f"requote_levels must be 1 to 100, not {self.requote_levels}"
        )
        require(0.0 <= self.tail < 0.5, f"tail must be 0 to below 0.5 dollars, not {self.tail}")
        require(1 <= self.edge_levels <= 100, f"edge_levels must be 1 to 100, not {self.edge_levels}")
