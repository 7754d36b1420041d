"""The ledger: average cost, flips, lots of two kinds, the day, settlement."""

from __future__ import annotations

from kalshi_tui.portfolio.positions import Ledger, cost_of_exposure, settlement_revenue
from kalshi_tui.protocol.orders import Fill, Settlement
from kalshi_tui.protocol.units import CONTRACT, DOLLAR, Money, Price, Side

T = "KXTEST-1"


def fill(side: Side, contracts: int, cents: float, fee: Money = 0, ticker: str = T) -> Fill:
    return Fill("t", "o", ticker, side, round(cents * 100), contracts * CONTRACT, fee, False, 0)


def settlement(value: Money, ticker: str = T) -> Settlement:
    return Settlement(ticker, "yes" if value else "no", value, 0, 0, 0, 123, 0)


def test_averaging_in_keeps_the_exact_cost() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.BID, 1, 40))
    held = ledger.apply_fill(fill(Side.BID, 2, 41))
    assert held.cost == 1_220_000
    assert held.entry == 1.22 / 3
    assert held.unrealized(4100) == 10_000
    assert held.unrealized_at_mid(8301) == 300 * 8301 // 2 - 1_220_000


def test_a_partial_close_releases_the_nearest_whole_unit_of_cost() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.BID, 1, 40))
    ledger.apply_fill(fill(Side.BID, 2, 41))
    held = ledger.apply_fill(fill(Side.ASK, 1, 41))  # a third of 1.22 is 0.406667
    assert (held.realized, held.cost) == (410_000 - 406_667, 1_220_000 - 406_667)


def test_a_flip_through_zero_realizes_the_closed_part_and_opens_at_the_fill() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.BID, 10, 40))
    held = ledger.apply_fill(fill(Side.ASK, 15, 45))
    assert held.position == -5 * CONTRACT
    assert held.realized == 500_000
    assert held.entry == 0.45
    assert ledger.apply_fill(fill(Side.BID, 5, 44)).realized == 550_000
    assert held.cost == 0 and held.entry is None


def test_fees_stay_apart_from_realized() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.BID, 10, 40, fee=1_000))
    held = ledger.apply_fill(fill(Side.ASK, 10, 41, fee=2_000))
    assert (held.realized, held.fees) == (100_000, 3_000)
    assert held.equity(None) == 97_000
    assert held.volume == 20 * CONTRACT


def test_found_lots_stay_apart_from_own_ones() -> None:
    ledger = Ledger()
    ledger.seed(T, 5 * CONTRACT, 2 * DOLLAR)
    held = ledger.apply_fill(fill(Side.BID, 3, 41))
    assert (held.own, held.found) == (3 * CONTRACT, 5 * CONTRACT)
    ledger.apply_fill(fill(Side.ASK, 4, 42))  # own lots go first
    assert (held.own, held.found) == (0, 4 * CONTRACT)
    ledger.apply_fill(fill(Side.ASK, 6, 42))  # then found ones, and the rest opens own
    assert (held.own, held.found) == (-2 * CONTRACT, 0)


def test_fills_of_orders_made_elsewhere_open_and_close_found_lots_first() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.BID, 3, 41))
    held = ledger.apply_fill(fill(Side.BID, 2, 41), found=True)
    assert (held.own, held.found) == (3 * CONTRACT, 2 * CONTRACT)
    ledger.apply_fill(fill(Side.ASK, 4, 41), found=True)
    assert (held.own, held.found) == (1 * CONTRACT, 0)


def test_lots_of_unknown_cost_claim_no_profit() -> None:
    ledger = Ledger()
    seeded = ledger.seed(T, 5 * CONTRACT)
    assert seeded.entry is None and seeded.unrealized(5000) is None
    assert ledger.totals({T: 5000}) == (0, None, 0)
    assert ledger.apply_fill(fill(Side.ASK, 2, 60)).realized == 0
    held = ledger.apply_fill(fill(Side.ASK, 8, 60))  # flat, then short from a known price
    assert held.realized == 0
    assert held.entry == 0.60
    assert held.unrealized(5500) == 250_000


def test_the_day_starts_when_told_and_survives_found_lots() -> None:
    ledger = Ledger()
    held = ledger.seed(T, 10 * CONTRACT, 4 * DOLLAR, realized=DOLLAR, fees=5_000)
    assert held.day_pnl(4100) is None
    ledger.start_day({T: 4200})
    assert held.day_pnl(4300) == 100_000
    ledger.apply_fill(fill(Side.ASK, 10, 44, fee=700))
    assert held.day_pnl(None) == 200_000 - 700
    ledger.start_day({})
    assert held.day_pnl(None) == 0


def test_an_open_position_without_a_mark_has_no_day() -> None:
    ledger = Ledger()
    held = ledger.apply_fill(fill(Side.BID, 1, 40))
    assert held.day_pnl(None) is None
    assert held.day_pnl(4000) == 0


def test_settlement_pays_once_and_settles_late_fills_too() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.ASK, 10, 30, fee=900))
    held = ledger.apply_settlement(settlement(0))
    assert (held.position, held.realized, held.fees) == (0, 3 * DOLLAR, 900)
    ledger.apply_settlement(settlement(0))
    assert held.realized == 3 * DOLLAR
    ledger.apply_fill(fill(Side.BID, 1, 20))
    assert (held.position, held.realized) == (0, 3 * DOLLAR - 200_000)


def test_exposure_of_no_contracts_is_their_own_cost() -> None:
    # 10 NO bought at 0.30 are 10 YES sold at 0.70.
    assert cost_of_exposure(-10 * CONTRACT, 3 * DOLLAR) == -7 * DOLLAR
    assert cost_of_exposure(10 * CONTRACT, 3 * DOLLAR) == 3 * DOLLAR


def test_settlement_revenue_counts_both_sides() -> None:
    one = Settlement(T, "scalar", 400_000, 300, 200, 0, 0, 0)
    assert settlement_revenue(one) == 3 * 400_000 + 2 * 600_000


def test_totals_add_up_over_markets_in_the_order_they_came() -> None:
    ledger = Ledger()
    ledger.apply_fill(fill(Side.BID, 1, 40, ticker="B"))
    ledger.apply_fill(fill(Side.BID, 1, 50, fee=5, ticker="A"))
    assert [held.ticker for held in ledger] == ["B", "A"]
    marks: dict[str, Price] = {"A": 5100, "B": 3900}
    assert ledger.totals(marks) == (0, 0, 5)
    assert ledger.totals({"A": 5100}) == (0, None, 5)
    assert ledger.position("none") == 0 and ledger.get("none") is None
