"""M1: the micro-price as fair value, inventory skew, and a half-spread that pays for adverse selection."""

from __future__ import annotations

from kalshi_tui.features.formulas import expit, logit
from kalshi_tui.pricing.pipeline import Centre, blocked, finish, no_quote
from kalshi_tui.pricing.snapshot import MarketSnapshot, QuoteParams, require
from kalshi_tui.pricing.theory import adverse_half_spread
from kalshi_tui.protocol.quotes import QuoteIntent
from kalshi_tui.protocol.units import CENT, ONE


class M1Params(QuoteParams, frozen=True, kw_only=True):
    """Micro-price, inventory skew, spread from measured toxicity."""

    edge: float = 0.01
    """Least half-spread, dollars."""
    kappa: float = 1.0
    """How much of the micro-price table's shift to believe, 0 to 2."""
    beta: float = 0.0
    """Dollars of fair value per unit of normalised order flow; 0 leaves flow out."""
    adverse: float = 1.0
    """Multiple of the half-spread that measured toxicity asks for."""
    eta: float = 1.0
    """Skew at full inventory, in half-spreads."""
    skew_ticks: int = 3
    """The skew never exceeds this many ticks."""
    longshot: float = 0.0
    """Favourite-longshot correction: log-odds of fair are multiplied by 1 plus this."""
    clamp_fair: bool = True
    """Keep fair between the best bid and the best ask."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0.0 < self.edge <= 0.5, f"edge must be above 0, at most 0.5 dollars, not {self.edge}")
        require(0.0 <= self.kappa <= 2.0, f"kappa must be 0 to 2, not {self.kappa}")
        require(-0.1 <= self.beta <= 0.1, f"beta must be -0.1 to 0.1 dollars, not {self.beta}")
        require(0.0 <= self.adverse <= 10.0, f"adverse must be 0 to 10, not {self.adverse}")
        require(0.0 <= self.eta <= 5.0, f"eta must be 0 to 5, not {self.eta}")
        require(0 <= self.skew_ticks <= 50, f"skew_ticks must be 0 to 50, not {self.skew_ticks}")
        require(-0.5 <= self.longshot <= 0.5, f"longshot must be -0.5 to 0.5, not {self.longshot}")


def quote(snapshot: MarketSnapshot, params: M1Params) -> QuoteIntent:
    """Quote around the micro-price; around the mid, and saying so, where no table covers this book."""
    why = blocked(snapshot, params)
    if why is None:
        around = centre(snapshot, params)
        if around is not None:
            return finish(snapshot, params, "m1", around)
    return no_quote(snapshot, "m1", why or "no mid", params.ttl_ms)


def centre(snapshot: MarketSnapshot, params: M1Params, eta: float = 1.0, edge: float = 1.0) -> Centre | None:
    """Fair value, half-spread, skew and sizes; ``eta`` and ``edge`` multiply the skew and the half-spread."""
    features = snapshot.features
    fair = features.mid
    if fair is None:
        return None
    note = ""
    shift = features.micro_shift
    if shift is not None:
        fair += params.kappa * shift
    elif params.kappa > 0.0:
        note = "no micro-price table: mid used"
    if params.beta and features.ofi_norm is not None:
        fair += params.beta * features.ofi_norm
    if params.clamp_fair:
        fair, note = _clamped(snapshot, fair, note)
    if params.longshot:
        fair = expit(logit(min(max(fair, 1e-4), 1.0 - 1e-4)) * (1.0 + params.longshot))
        note = f"longshot {params.longshot:+g}" + (f", {note}" if note else "")
    half = params.edge
    if features.toxicity is not None and features.toxicity > 0.0 and params.adverse:
        half = max(
            half, params.adverse * adverse_half_spread(features.toxicity, min(max(fair, 1e-4), 1.0 - 1e-4))
        )
    half *= edge
    used = inventory_used(snapshot)
    most = params.skew_ticks * (features.tick or CENT) / ONE
    skew = min(max(-params.eta * eta * used * half, -most), most)
    bid_size, ask_size = sized(used)
    return Centre(fair, half, skew, bid_size, ask_size, note)


def sized(used: float) -> tuple[float, float]:
    """(bid, ask) shares of full size: the side that adds to the inventory shrinks as it fills."""
    return (1.0 - used, 1.0) if used > 0.0 else (1.0, 1.0 + used)


def inventory_used(snapshot: MarketSnapshot) -> float:
    """Inventory over its cap, -1..1; full while the cap is 0 and something is held."""
    position, cap = snapshot.position, snapshot.max_position
    if not position:
        return 0.0
    return min(max(position / cap, -1.0), 1.0) if cap > 0 else (1.0 if position > 0 else -1.0)


def _clamped(snapshot: MarketSnapshot, fair: float, note: str) -> tuple[float, str]:
    bid, ask = snapshot.best_bid, snapshot.best_ask
    held = fair
    if bid is not None:
        held = max(held, bid / ONE)
    if ask is not None:
        held = min(held, ask / ONE)
    return held, note if held == fair else "fair held at the touch"
