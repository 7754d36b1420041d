"""Statistical pairs live: what a calibration has blessed, followed every ten seconds and leaned on by M3's quotes.

A pair is a habit between prints. It has its own cap and its own book of P&L, and says "statistical" wherever it is
seen. It never takes: it moves passive quotes in both markets, one side each.

Source: section 3.4 of the project's quantitative specification.
"""

from __future__ import annotations

from collections.abc import Mapping

from kalshi_tui.kernel.params import engine_params
from kalshi_tui.kernel.sampling_state import PairRun
from kalshi_tui.kernel.state import DeskState
from kalshi_tui.portfolio.fees import maker_fee_per_contract
from kalshi_tui.pricing.m3 import STATISTICAL, M3Params
from kalshi_tui.pricing.pairs import PairRules, hedge_contracts
from kalshi_tui.pricing.snapshot import PairLean
from kalshi_tui.protocol.orders import Fill
from kalshi_tui.protocol.quotes import Regime
from kalshi_tui.protocol.units import CONTRACT, SECOND, Count

RULES = PairRules()
MOST_HALF_LIVES = 3.0
"""Longest a pair is held, in half-lives: what has not come back by then is another habit."""


def step(desk: DeskState, samples: Mapping[str, float]) -> None:
    """One sample of every pair; one with a market in an event, or switched off, goes out of what it holds.

    A sample that is merely missing (a book read back) changes nothing: it is no reason to trade.
    """
    for run in desk.pairs:
        y, x = samples.get(run.spec.y), samples.get(run.spec.x)
        if y is not None and x is not None:
            run.pair.update(y, x)
            _follow(desk, run, _on(desk, run))
        elif not _on(desk, run):
            _follow(desk, run, False)
        _lean(desk, run)


def on_fill(desk: DeskState, source: str, fill: Fill) -> None:
    """A trade of a quote that was a pair's."""
    if source != STATISTICAL:
        return
    for run in desk.pairs:
        if fill.ticker in (run.spec.y, run.spec.x):
            run.held[fill.ticker] = run.held.get(fill.ticker, 0) + fill.signed
            _lean(desk, run)


def _on(desk: DeskState, run: PairRun) -> bool:
    """Whether a person quotes both of its markets with M3, and neither is in an event."""
    for ticker in (run.spec.y, run.spec.x):
        market = desk.markets.get(ticker)
        if market is None or market.engine != "m3" or not market.quoting:
            return False
        if market.regime is Regime.EVENT or market.watcher.window:
            return False
    return True


def _follow(desk: DeskState, run: PairRun, quiet: bool) -> None:
    """Enter, stay or leave by the rules; the target of both markets."""
    left = _seconds_to_event(desk, run)
    side = run.pair.signal(RULES, run.side, left) if quiet else 0
    if side and not run.side and not _pays(desk, run):
        side = 0
    life = run.pair.half_life_s
    held_s = (desk.now.mono - run.since) / SECOND
    if run.side and life is not None and held_s > MOST_HALF_LIVES * life:
        run.exhausted = True
    z = run.pair.z
    if run.exhausted:
        run.exhausted = z is None or abs(z) > RULES.leave
        side = 0
    if side and not run.side:
        run.since = desk.now.mono
        run.target = _sizes(desk, run, side)
    elif not side:
        run.target = {}
    run.side = side


def _seconds_to_event(desk: DeskState, run: PairRun) -> float | None:
    """To the next print or close of either market; None where neither has one."""
    times = []
    for ticker in (run.spec.y, run.spec.x):
        market = desk.markets.get(ticker)
        if market is not None:
            times += [p.at for p in market.prints if p.at > desk.now.wall]
            times += [] if market.facts.close_time is None else [market.facts.close_time]
    return (min(times) - desk.now.wall) / SECOND if times else None


def _pays(desk: DeskState, run: PairRun) -> bool:
    """Whether coming back earns more than the maker fees of both markets, in and out, and the least edge."""
    y, x = desk.markets[run.spec.y], desk.markets[run.spec.x]
    p_y, p_x, residual = y.features.weighted_mid, x.features.weighted_mid, run.pair.residual
    if p_y is None or p_x is None or residual is None:
        return False
    hedge = abs(hedge_contracts(1.0, p_y, p_x, run.pair.beta))
    fees = maker_fee_per_contract(y.facts.fee, p_y) + hedge * maker_fee_per_contract(x.facts.fee, p_x)
    return abs(residual) * p_y * (1.0 - p_y) > 2.0 * fees + engine_params(desk, y).min_edge


def _sizes(desk: DeskState, run: PairRun, side: int) -> dict[str, Count]:
    """Signed contracts of both markets, deltas against each other, neither above the cap."""
    y, x = desk.markets[run.spec.y], desk.markets[run.spec.x]
    p_y, p_x = y.features.weighted_mid, x.features.weighted_mid
    assert p_y is not None and p_x is not None
    cap = min(_params(desk, run.spec.y).pair_lots, _params(desk, run.spec.x).pair_lots)
    hedge = hedge_contracts(1.0, p_y, p_x, run.pair.beta)
    lots = cap / max(abs(hedge), 1.0)
    return {
        run.spec.y: side * int(lots) * CONTRACT,
        run.spec.x: int(side * lots * hedge) * CONTRACT,
    }


def _params(desk: DeskState, ticker: str) -> M3Params:
    params = engine_params(desk, desk.markets[ticker])
    return params if isinstance(params, M3Params) else M3Params(pair_lots=0)


def _lean(desk: DeskState, run: PairRun) -> None:
    """What each market's quotes are told; a change is decided on at once."""
    for ticker, other in ((run.spec.y, run.spec.x), (run.spec.x, run.spec.y)):
        market = desk.markets.get(ticker)
        if market is None:
            continue
        want = run.target.get(ticker, 0) - run.held.get(ticker, 0)
        lean = None
        if abs(want) >= CONTRACT:
            lean = PairLean(want, _shift(desk, run, ticker, want), _words(run, want, other))
        if lean != desk.leans.get(ticker):
            desk.dirty[ticker] = None
            if lean is None:
                del desk.leans[ticker]
            else:
                desk.leans[ticker] = lean


def _shift(desk: DeskState, run: PairRun, ticker: str, want: Count) -> float:
    """Half of what the market is expected to come back by, dollars, towards what is wanted; the cap when leaving."""
    most = _params(desk, ticker).pair_shift
    sign = 1.0 if want > 0 else -1.0
    fair, residual = desk.markets[ticker].features.weighted_mid, run.pair.residual
    if not run.side or fair is None or residual is None:
        return sign * most
    slope = 1.0 if ticker == run.spec.y else max(abs(run.pair.beta), 0.1)
    return sign * min(abs(residual) / slope * fair * (1.0 - fair) / 2.0, most)


def _words(run: PairRun, want: Count, other: str) -> str:
    z = run.pair.z
    verb = "buying" if want > 0 else "selling"
    what = (
        f"{verb} {abs(want) / CONTRACT:g} against {other}"
        if run.side
        else f"{verb} {abs(want) / CONTRACT:g} to leave"
    )
    return f"statistical: {'no z' if z is None else f'z {z:+.1f}'} ({what})"
