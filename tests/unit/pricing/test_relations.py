"""M3: states proved from fields, baskets priced exactly, legs worked and unwound, pairs kept apart."""

from __future__ import annotations

from decimal import Decimal
from math import inf

import pytest

from kalshi_tui.pricing import lp
from kalshi_tui.pricing.baskets import (
    LegBook,
    candidates,
    gross_edge,
    leg_risk,
    price_basket,
    size_basket,
    worst_after_fills,
    worst_payoff,
)
from kalshi_tui.pricing.ladder import coherent_fairs, isotonic
from kalshi_tui.pricing.legs import LegState, Way, choose_way, leg_limit, leg_order, unwind_proceeds
from kalshi_tui.pricing.m3 import M3Params, scan
from kalshi_tui.pricing.outcomes import OutcomeSpace, outcome_space
from kalshi_tui.pricing.pairs import Pair, PairRules, half_life, hedge_contracts
from kalshi_tui.protocol.market import Event, FeeSchedule, Market, StrikeType
from kalshi_tui.protocol.text import SafeText
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Price, Side

CENTS = TickGrid.named("linear_cent")
FEE = FeeSchedule()
K = StrikeType


def market(ticker: str, kind: StrikeType, floor: float | None = None, cap: float | None = None) -> Market:
    return Market(
        ticker, "E", strike_type=kind, floor_strike=floor, cap_strike=cap, rules_primary=SafeText(ticker)
    )


def space_of(*markets: Market, exclusive: bool = False, step: str | None = None) -> OutcomeSpace:
    event = Event("E", "S", mutually_exclusive=exclusive)
    found = outcome_space(event, markets, None if step is None else Decimal(step))
    assert found is not None
    return found


BRACKETS = (
    market("LOW", K.LESS, cap=0.3),
    market("MID", K.BETWEEN, floor=0.3, cap=0.4),
    market("HIGH", K.GREATER, floor=0.4),
)
LADDER = (
    market("T2", K.GREATER, floor=0.2),
    market("T3", K.GREATER, floor=0.3),
    market("T4", K.GREATER, floor=0.4),
)


def book(ticker: str, bid: Price, ask: Price, contracts: int = 100) -> LegBook:
    count = contracts * CONTRACT
    return LegBook(ticker, ((bid, count),), ((ask, count),), FEE)


def books(*rows: tuple[str, Price, Price]) -> dict[str, LegBook]:
    return {ticker: book(ticker, bid, ask) for ticker, bid, ask in rows}


def test_brackets_that_meet_are_exclusive_and_exhaustive() -> None:
    space = space_of(*BRACKETS)
    assert space.states == ("below 0.3", "exactly 0.3", "0.3 to 0.4", "exactly 0.4", "above 0.4")
    assert space.exclusive and space.exhaustive
    assert space.proof[1] == "MID pays if the number is 0.3 to 0.4, both included"


def test_one_step_between_greater_and_greater_or_equal_is_a_hole() -> None:
    holed = space_of(BRACKETS[0], market("MID", K.BETWEEN, floor=0.3, cap=0.35), BRACKETS[2])
    assert holed.exclusive and not holed.exhaustive
    double = space_of(BRACKETS[0], BRACKETS[1], market("HIGH", K.GREATER_OR_EQUAL, floor=0.4))
    assert double.exhaustive and not double.exclusive


def test_a_reporting_grid_closes_holes_no_number_falls_into() -> None:
    parts = (
        BRACKETS[0],
        market("MID", K.BETWEEN, floor=0.3, cap=0.3),
        market("HIGH", K.GREATER_OR_EQUAL, floor=0.4),
    )
    assert not space_of(*parts).exhaustive
    assert space_of(*parts, step="0.1").exhaustive
    assert "steps of 0.1" in space_of(*parts, step="0.1").proof[-1]


def test_the_exclusive_flag_alone_never_means_exactly_one() -> None:
    space = space_of(market("A", K.CUSTOM), market("B", K.STRUCTURED), exclusive=True)
    assert space.states[-1] == "none of them"
    assert space.exclusive and not space.exhaustive


def test_nothing_is_proved_from_nothing() -> None:
    event = Event("E", "S")
    assert outcome_space(event, [market("A", K.CUSTOM), market("B", K.CUSTOM)]) is None
    assert outcome_space(event, [BRACKETS[0]]) is None
    assert outcome_space(event, [BRACKETS[0], market("B", K.GREATER)]) is None  # a strike is missing


def test_changed_rules_change_the_proof() -> None:
    other = (*BRACKETS[:2], Market("HIGH", "E", strike_type=K.GREATER, floor_strike=0.4))
    assert space_of(*BRACKETS).rules_hash != space_of(*other).rules_hash


def test_a_ladder_is_nested() -> None:
    space = space_of(*LADDER)
    assert space.implies("T4", "T2") and not space.implies("T2", "T4")
    assert not space.exclusive and not space.exhaustive


def test_no_of_all_needs_exclusion_yes_of_all_needs_exhaustion() -> None:
    rich = books(("LOW", 3800, 4000), ("MID", 3800, 4000), ("HIGH", 3800, 4000))
    space = space_of(*BRACKETS)
    words = [relation for relation, _ in candidates(space, rich)]
    assert "at most one pays: NO of all" in words and "one must pay: YES of all" in words
    holed = space_of(BRACKETS[0], market("MID", K.BETWEEN, floor=0.3, cap=0.35), BRACKETS[2])
    assert "one must pay: YES of all" not in [relation for relation, _ in candidates(holed, rich)]
    unit = tuple((ticker, Side.ASK) for ticker in space.tickers)
    assert worst_payoff(space, unit) == 2
    assert gross_edge(space, unit, rich) == 140_000  # three bids of 38 sum to 14 cents above a dollar


def test_a_bracket_is_the_difference_of_two_thresholds() -> None:
    space = space_of(
        market("A", K.GREATER, floor=0.2),
        market("B", K.GREATER, floor=0.4),
        market("AB", K.BETWEEN, 0.3, 0.4),
        step="0.1",
    )
    cheap = books(("A", 6000, 6200), ("B", 3300, 3500), ("AB", 1800, 2000))
    found = {unit: relation for relation, unit in candidates(space, cheap)}
    unit = (("AB", Side.BID), ("B", Side.BID), ("A", Side.ASK))
    assert found[unit] == "AB is A without B"
    assert worst_payoff(space, unit) == 1
    assert gross_edge(space, unit, cheap) == 50_000  # 60 - 35 - 20
    mirrored = (("AB", Side.ASK), ("B", Side.ASK), ("A", Side.BID))
    assert mirrored in found and worst_payoff(space, mirrored) == 2


def test_sizing_stops_where_the_next_lot_loses() -> None:
    space = space_of(*LADDER)
    deep = {
        "T2": LegBook("T2", (), ((4000, 3000), (4200, 5000), (4600, 9000)), FEE),
        "T3": LegBook("T3", ((4700, 2550), (4500, 2000), (4400, 9000)), (), FEE),
    }
    unit = (("T2", Side.BID), ("T3", Side.ASK))
    basket = size_basket(space, "r", unit, deep, 0)
    assert basket is not None
    # 47 over 40 earns after fees of 3.4 cents, 45 over 40 still 1.6, 45 over 42 loses.
    assert basket.lots == 3000
    assert [leg.limit for leg in basket.legs] == [4000, 4500]
    assert basket.profit == basket.payoff - basket.cost - basket.fees > 0
    thin = size_basket(space, "r", unit, deep, 0, most=250)
    assert thin is not None and thin.lots == 200  # whole contracts


def test_a_book_that_does_not_bear_the_lots_is_an_error() -> None:
    space = space_of(*LADDER)
    with pytest.raises(ValueError, match="does not bear 101"):
        price_basket(space, "r", (("T2", Side.BID),), {"T2": book("T2", 3900, 4000)}, 101 * CONTRACT, 0)


def test_the_scan_takes_what_clears_every_bar_and_says_what_does_not() -> None:
    space = space_of(*LADDER)
    calm = books(("T2", 5000, 5200), ("T3", 3000, 3200), ("T4", 1000, 1200))
    assert scan(space, calm, M3Params(), 0, None).reason == "no arb: no relation is broken"
    broken = books(("T2", 3900, 4000), ("T3", 4600, 4700), ("T4", 1000, 1200))
    found = scan(space, broken, M3Params(), 0, 86_400.0)
    # Of the 50 lots wanted 35 could lose 20 dollars if only one leg were filled.
    assert found.basket is not None and found.basket.lots == 35 * CONTRACT
    assert -leg_risk(space, found.basket.legs) <= 20 * DOLLAR
    assert found.basket.profit == pytest.approx(35 * (0.06 - 0.0168 - 0.07 * 0.46 * 0.54) * DOLLAR, rel=0.01)
    assert found.reason == "arb: T3 implies T2: +2.6 ¢ a lot on 35 after fees"
    eaten = books(("T2", 3900, 4000), ("T3", 4300, 4700), ("T4", 1000, 1200))
    assert "needs 0.50" in scan(space, eaten, M3Params(), 0, None).reason
    slow = scan(space, broken, M3Params(hurdle=5.0), 0, 30 * 86_400.0)
    assert slow.basket is None and "a year is under 500%" in slow.reason
    assert scan(space, broken, M3Params(leg_risk=0.1), 0, None).basket is None


def test_leg_risk_is_the_worst_subset() -> None:
    space = space_of(*LADDER)
    basket = price_basket(
        space,
        "r",
        (("T2", Side.BID), ("T3", Side.ASK)),
        books(("T2", 3900, 4000), ("T3", 4600, 4700)),
        10 * CONTRACT,
        0,
    )
    alone = -(basket.legs[1].cost + basket.legs[1].fee)  # NO of T3 alone can be worth nothing
    assert leg_risk(space, basket.legs) == alone
    assert worst_after_fills(space, basket.legs, [1000, 1000]) == basket.profit


def test_the_scarcest_leg_goes_first() -> None:
    space = space_of(*LADDER)
    deep = {"T2": book("T2", 3900, 4000, 500), "T3": book("T3", 4600, 4700, 60)}
    basket = price_basket(space, "r", (("T2", Side.BID), ("T3", Side.ASK)), deep, 50 * CONTRACT, 0)
    assert [leg.ticker for leg in leg_order(basket.legs)] == ["T3", "T2"]


def test_a_legs_limit_keeps_the_basket_whole() -> None:
    space = space_of(*LADDER)
    basket = price_basket(
        space,
        "r",
        (("T2", Side.BID), ("T3", Side.ASK)),
        books(("T2", 3900, 4000), ("T3", 4600, 4700)),
        50 * CONTRACT,
        0,
    )
    states = [
        LegState(basket.legs[0]),
        LegState(basket.legs[1], 5000, basket.legs[1].cost + basket.legs[1].fee),
    ]
    limit = leg_limit(basket, states, 0, CENTS, FEE, 0)
    # 46 + 54 + fees: 4 + 2.6 cents may be given away before the basket earns nothing.
    assert limit == 4200
    spent = states[1].spent
    assert basket.payoff - spent - 4200 * 5000 - 70 * 5000 >= 0 - DOLLAR
    sold = [
        LegState(basket.legs[0], 5000, basket.legs[0].cost + basket.legs[0].fee),
        LegState(basket.legs[1]),
    ]
    assert leg_limit(basket, sold, 1, CENTS, FEE, 0) == 4400
    ruined = [LegState(basket.legs[0]), LegState(basket.legs[1], 5000, basket.payoff)]
    assert leg_limit(basket, ruined, 0, CENTS, FEE, 0) is None
    assert leg_limit(basket, sold, 0, CENTS, FEE, 0) is None  # nothing left to buy


def test_a_half_filled_basket_takes_the_best_certain_way() -> None:
    space = space_of(*LADDER)
    now = books(("T2", 3900, 4000), ("T3", 4600, 4700))
    basket = price_basket(space, "r", (("T2", Side.BID), ("T3", Side.ASK)), now, 50 * CONTRACT, 0)
    first = basket.legs[0]
    states = [LegState(first, 5000, first.cost + first.fee), LegState(basket.legs[1])]
    completed = choose_way(
        space, basket, states, now, basket.legs[1].cost + basket.legs[1].fee, 20 * DOLLAR, 0
    )
    assert completed == (Way.COMPLETE, basket.profit)
    # The second leg ran away: selling the first back costs a cent and fees.
    unwound = choose_way(space, basket, states, now, None, 5 * DOLLAR, 0)
    proceeds = unwind_proceeds(states, now, 0)
    assert proceeds is not None
    assert unwound == (Way.UNWIND, proceeds - states[0].spent)
    # No bids left: only holding remains, whatever the cap says.
    bare = {"T2": LegBook("T2", (), ((4000, 5000),), FEE), "T3": now["T3"]}
    assert unwind_proceeds(states, bare, 0) is None
    assert choose_way(space, basket, states, bare, None, DOLLAR, 0) == (Way.HOLD, -states[0].spent)


def test_the_isotonic_fit_refuses_weights_that_are_none() -> None:
    assert isotonic([0.1, 0.3, 0.2], [1, 1, 3], increasing=True) == pytest.approx([0.1, 0.225, 0.225])
    with pytest.raises(ValueError, match="positive weight"):
        isotonic([0.1], [0.0])


def test_coherent_fairs_are_monotone_on_a_ladder_and_sum_to_one_on_brackets() -> None:
    equal = dict.fromkeys(("T2", "T3", "T4"), 1.0)
    fitted = coherent_fairs(space_of(*LADDER), {"T2": 0.7, "T3": 0.3, "T4": 0.4}, equal)
    assert fitted == pytest.approx({"T2": 0.7, "T3": 0.35, "T4": 0.35})
    weights = {"LOW": 1.0, "MID": 1.0, "HIGH": 4.0}
    sums = coherent_fairs(space_of(*BRACKETS), {"LOW": 0.3, "MID": 0.3, "HIGH": 0.49}, weights)
    assert sum(sums.values()) == pytest.approx(1.0)
    assert sums["HIGH"] == pytest.approx(0.48)
    open_set = space_of(market("A", K.CUSTOM), market("B", K.CUSTOM), exclusive=True)
    assert coherent_fairs(open_set, {"A": 0.2, "B": 0.3}, {"A": 1, "B": 1}) == {"A": 0.2, "B": 0.3}
    high = coherent_fairs(open_set, {"A": 0.02, "B": 1.1}, {"A": 1, "B": 1})
    assert high == {"A": 0.0, "B": pytest.approx(1.0)}
    assert coherent_fairs(open_set, {"A": 0.2}, {"A": 1}) == {}


def test_the_program_refuses_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="one column per leg"):
        lp.solve([[1.0]], [0.4, 0.4], [1.0, 1.0])


def test_half_lives_at_the_ends() -> None:
    assert half_life(1.0, 1.0) == inf
    assert half_life(-0.2, 1.0) == 0.0
    assert hedge_contracts(10.0, 0.5, 0.5, 1.0) == -10.0
    assert hedge_contracts(10.0, 0.5, 0.1, 1.0) == pytest.approx(-10.0 * 0.25 / 0.09)


def wave(pair: Pair, samples: int, noise: list[float]) -> None:
    """y = 1 + 0.8 x + a residual that forgets a twentieth of itself each step."""
    seed, x, residual = 7, 0.0, 0.0
    for index in range(samples):
        seed = (1103515245 * seed + 12345) % 2**31
        x += (seed / 2**31 - 0.5) * 0.1
        seed = (1103515245 * seed + 12345) % 2**31
        residual = 0.95 * residual + (seed / 2**31 - 0.5) * 0.02
        pair.update(1.0 + 0.8 * x + residual + (noise[index] if index < len(noise) else 0.0), x)


def test_a_pair_finds_its_hedge_and_trades_only_inside_its_rules() -> None:
    assert Pair(dt=10.0).signal(PairRules(), 0) == 0
    pair = Pair(dt=10.0)
    wave(pair, 1_500, [])
    assert pair.beta == pytest.approx(0.8, abs=0.15)
    life = pair.half_life_s
    assert life is not None and 30.0 < life < 600.0
    z = pair.z
    assert z is not None
    eager = PairRules(enter=abs(z) / 2, leave=abs(z) / 4)
    assert pair.signal(eager, 0) == (-1 if z > 0 else 1)
    assert pair.signal(eager, 0, seconds_to_event=100.0) == 0
    assert pair.signal(PairRules(enter=abs(z) * 2), 0) == 0
    assert pair.signal(PairRules(enter=abs(z) / 4, stop=abs(z) / 2), 0) == 0
    assert pair.signal(PairRules(enter=0.0, most_half_life_s=life / 2), 0) == 0
    assert pair.signal(PairRules(least_samples=10_000, enter=0.0), 0) == 0
    holding = -1 if z > 0 else 1
    assert pair.signal(eager, holding) == holding
    assert pair.signal(PairRules(leave=abs(z) * 2), holding) == 0
    assert pair.signal(eager, -holding) == 0  # it went through: out
