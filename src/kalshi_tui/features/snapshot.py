"""One market's features at one instant, as engines and screens read them."""

from __future__ import annotations

from msgspec import Struct

from kalshi_tui.protocol.units import Nanos, Price


class FeatureSnapshot(Struct, frozen=True, gc=False):
    """A number that is not valid is None. Prices of the top of book exclude own orders.

    Under relabelling YES and NO: prices map to one minus themselves, imbalances and flows flip their sign,
    volatilities, spreads, ages and toxicity stay.
    """

    problem: str
    """Empty, or why there is no mid: ``no book``, ``book one-sided``, ``book crossed``."""
    tick: Price | None = None
    """The step of the grid at the mid; None without a grid."""
    spread: Price | None = None
    spread_levels: int | None = None
    """How many valid levels the ask is above the bid."""
    mid2: int | None = None
    """bid + ask: the exact mid, doubled."""
    mid: float | None = None
    """Dollars, like every price below."""
    weighted_mid: float | None = None
    microprice: float | None = None
    """Stoikov's micro-price where a table is loaded and covers this spread, else the weighted mid."""
    micro_shift: float | None = None
    """What the table adds to the mid; None where no table says anything."""
    imbalance: float | None = None
    """(bid size - ask size) / (bid size + ask size) at the touch, -1..1."""
    depth_imbalance: float | None = None
    """The same over several levels, nearer ones counting more; None until ``on_depth`` was told of this book."""
    steady_share: float | None = None
    """Bid share of the touch, 0..1, of size that stayed, pulled to 1/2 when thin: the table's argument."""
    ofi: float = 0.0
    """Decayed order-flow imbalance, contracts."""
    ofi_norm: float | None = None
    """The same against the mean touch depth."""
    trade_imbalance: float | None = None
    vpin: float | None = None
    toxicity: float | None = None
    """Mean run of the mid after takers, dollars; positive hurts makers."""
    var_fast: float | None = None
    """Squared dollars per second, half a minute's memory."""
    var_slow: float | None = None
    """The same with half an hour's."""
    var_logit: float | None = None
    """Slow variance rate of the log-odds, per second."""
    vol_ratio: float | None = None
    """Fast over slow volatility, both floored at half a tick in 30 s."""
    spread_ratio: float | None = None
    """Recent mean spread over its half-hour median; 1 while fewer than two levels wider."""
    jump: bool = False
    """A jump within the last 20 s."""
    book_age: Nanos | None = None
    """Since the top of book last changed. Activity of the market, not health of the feed."""
    trade_age: Nanos | None = None
    trades: int = 0
    """Public trades seen since the market was first followed."""
    seconds_to_close: float | None = None
    """To the scheduled close, an upper bound where the market can close early; negative after it."""
