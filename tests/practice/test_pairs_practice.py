"""A statistical pair in the practice world: CPI and the Fed decision it moves, told apart to the last cent."""

from __future__ import annotations

from typing import cast

import pytest
from virtual_desk import VirtualDesk, settings

from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.kernel.relations_links import PRACTICE
from kalshi_tui.pricing.m3 import STATISTICAL, M3Params
from kalshi_tui.pricing.pairs import PairSpec
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.units import CONTRACT, parse_money

# As a calibration might have measured it: the world's CPI moves its Fed decision.
PAIR = PairSpec("PRCPI-26NOV-T0.3", "PRFEDDEC-26DEC-H25", 0.8, 0.0, -2.0, 0.12, 300.0, 2_000, 0.01)


@pytest.mark.slow
def test_a_pair_trades_under_its_cap_and_its_pnl_is_its_own() -> None:
    most = 0

    def watch(desk: VirtualDesk, effects: list[ef.Effect]) -> None:
        nonlocal most
        held = desk.kernel.state.pairs[0].held.values() if desk.kernel.state.pairs else ()
        most = max([most, *(abs(count) for count in held)])

    desk = VirtualDesk(
        "default",
        5,
        settings(
            default_engine="m3",
            relations=PRACTICE,
            calibrations=(Calibration(("PRCPI",), (), pairs=(PAIR,)),),
        ),
        latency_ms=5.0,
        watch=watch,
    )
    desk.run(150.0)
    summary = desk.kernel.summary()
    sources = cast(dict[str, dict[str, str]], summary["pnl_by_source"])
    assert int(sources[STATISTICAL]["fills"]) > 0
    assert 0 < most <= (M3Params().pair_lots + M3Params().size) * CONTRACT
    total = sum(parse_money(source["pnl_dollars"]) for source in sources.values())
    named = ("realized_pnl_dollars", "unrealized_pnl_dollars", "fees_dollars")
    realized, unrealized, fees = (parse_money(str(summary[name])) for name in named)
    assert total == realized + unrealized - fees
