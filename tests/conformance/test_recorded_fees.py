"""Fees and settlements the real exchange charged and paid, reproduced to the last digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kalshi_tui.portfolio.fees import MEASURED, PUBLISHED, rule_at, trade_fee
from kalshi_tui.portfolio.positions import Ledger, settlement_revenue
from kalshi_tui.protocol.market import FeeSchedule
from kalshi_tui.protocol.orders import Fill, Settlement
from kalshi_tui.protocol.units import DOLLAR, Money, Side, parse_count, parse_money, parse_price

AUGUST_2026 = 1_786_366_800_000_000_000


def schedule(ticker: str) -> FeeSchedule:
    """Baseball series carried half fees in August 2026."""
    return FeeSchedule(multiplier=500_000 if ticker.startswith("KXMLB") else 1_000_000)


def read(shared_data: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((shared_data / "fees" / f"{name}.json").read_text())[name]
    return rows


def fill_of(row: dict[str, Any]) -> Fill:
    side = Side.BID if row["book_side"] == "bid" else Side.ASK
    return Fill(
        row["trade_id"],
        row["order_id"],
        row["ticker"],
        side,
        parse_price(row["yes_price_dollars"]),
        parse_count(row["count_fp"]),
        parse_money(row["fee_cost"]),
        row["is_taker"],
        row["ts"] * 1_000_000_000,
    )


def settlement_of(row: dict[str, Any]) -> Settlement:
    cents = DOLLAR // 100
    return Settlement(
        row["ticker"],
        row["market_result"],
        row["value"] * cents,
        parse_count(row["yes_count_fp"]),
        parse_count(row["no_count_fp"]),
        row["revenue"] * cents,
        parse_money(row["fee_cost"]),
        0,
    )


def test_every_recorded_fill_costs_exactly_what_was_charged(shared_data: Path) -> None:
    fills = [fill_of(row) for row in read(shared_data, "fills")]
    assert len(fills) >= 17
    for fill in fills:
        fee = trade_fee(schedule(fill.ticker), fill.price, fill.count, fill.is_taker, fill.wall, fill.side)
        assert fee == fill.fee, fill


def test_the_newer_published_rule_misses_a_recorded_fill(shared_data: Path) -> None:
    """Why the rounding is dated: the rule published later does not reproduce the summer's fills."""
    fills = [fill_of(row) for row in read(shared_data, "fills")]
    missed = [
        f
        for f in fills
        if trade_fee(schedule(f.ticker), f.price, f.count, f.is_taker, f.wall, f.side, PUBLISHED) != f.fee
    ]
    assert [(f.price, f.count, f.fee) for f in missed] == [(130, 7194, 64_780)]
    assert rule_at(AUGUST_2026) is MEASURED


def test_the_settlements_pay_what_the_positions_are_worth(shared_data: Path) -> None:
    rows = [settlement_of(row) for row in read(shared_data, "settlements")]
    assert len(rows) >= 20
    for settlement in rows:
        assert settlement_revenue(settlement) == settlement.revenue, settlement


def test_a_settled_ledger_shows_cost_revenue_and_the_fees_of_its_fills(shared_data: Path) -> None:
    """Buying what each settlement says was held, then settling, ends with revenue minus cost."""
    for row in read(shared_data, "settlements"):
        settlement = settlement_of(row)
        ledger = Ledger()
        costs: Money = 0
        for side, count, total in (
            (Side.BID, settlement.yes_count, parse_money(row["yes_total_cost_dollars"])),
            (Side.ASK, settlement.no_count, parse_money(row["no_total_cost_dollars"])),
        ):
            if count:
                own_price = total // count
                assert own_price * count == total
                price = own_price if side is Side.BID else 10_000 - own_price
                fill = Fill("t", "o", settlement.ticker, side, price, count, settlement.fee, True, 0)
                ledger.apply_fill(fill)
                costs += total
        held = ledger.apply_settlement(settlement)
        assert held.position == 0
        assert held.realized == settlement.revenue - costs
        assert held.fees == settlement.fee
        assert held.cash == held.realized
