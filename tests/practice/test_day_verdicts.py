"""The judge of a practice day: a clean day holds, and each clause fails where it should."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from day_verdicts import Body, Day, judged

from kalshi_tui.protocol.times import format_time
from kalshi_tui.protocol.units import SECOND

START = 1_790_000_000 * SECOND
PRINT = 150


def at(second: float) -> str:
    return format_time(START + round(second * SECOND))


def order(name: str, ticker: str, begun: float, gone: float | None) -> Body:
    status = "resting" if gone is None else "canceled"
    stamps = {"created_time": at(begun), "last_update_time": at(begun if gone is None else gone)}
    return {"order_id": f"x{name}", "client_order_id": name, "ticker": ticker, "status": status} | stamps


def intent(second: float, cap: str = "10.00") -> Body:
    wall = START + round(second * SECOND)
    return {"owner": "engine", "position_cap": cap, "book_valid": True, "wall": wall}


def fill(name: str, ticker: str, second: float, side: str, count: str) -> Body:
    row = {"order_id": f"x{name}", "ticker": ticker, "book_side": side, "count_fp": count}
    return row | {"created_time": at(second)}


def clean() -> Day:
    """An order before the pull, filled; one after the re-arm, in the market that was not decided."""
    events = {"C-1": ("C", "finalized"), "F-1": ("F", "active")}
    release = {"title": "CPI", "start_date": at(PRINT)}
    return Day(
        code=0,
        summary={"unreconciled": 0, "book_mismatches": 0, "orders_live": 0, "orders_unknown": 0}
        | {"book_checks": 9, "fills": 1},
        started=START,
        ended=START + 300 * SECOND,
        prints=[release | {"primary_event_tickers": ["C"], "related_event_tickers": ["C", "F"]}],
        markets={t: {"ticker": t, "event_ticker": e, "status": status} for t, (e, status) in events.items()},
        orders=[order("a", "C-1", 5, 27), order("b", "F-1", 215, 300)],
        fills=[fill("a", "C-1", 10, "bid", "4.00")],
        positions=[],
        looks=[(START + 20 * SECOND, [order("a", "C-1", 5, None)]), (START + 60 * SECOND, [])],
        intents={"a": intent(4.9), "b": intent(214.9)},
        states={"F-1": [(START + 28 * SECOND, "event"), (START + 214 * SECOND, "quoting")]},
    )


def failing(day: Day) -> list[str]:
    return [clause for clause, against in judged(day) if against]


def test_a_clean_day_holds() -> None:
    assert failing(clean()) == []


def late_order(day: Day, ticker: str, begun: float, gone: float) -> None:
    day.orders.append(order("z", ticker, begun, gone))
    day.intents["z"] = intent(begun - 0.1)


SPOILT: dict[str, tuple[str, Callable[[Day], object]]] = {
    "exit code": ("exits 0", lambda d: setattr(d, "code", 5)),
    "no trading": ("inside the run", lambda d: d.fills.clear()),
    "ended before the re-arm": ("inside the run", lambda d: setattr(d, "ended", START + 200 * SECOND)),
    "never decided": ("inside the run", lambda d: d.markets["C-1"].update(status="closed")),
    "past the cap": ("the cap", lambda d: d.fills[0].update(count_fp="10.01")),
    "fill without a cap": ("the cap", lambda d: d.intents["a"].update(position_cap=None)),
    "another position": ("the cap", lambda d: d.positions.append({"ticker": "F-1", "position_fp": "1.00"})),
    "not journaled": ("journaled", lambda d: d.intents.pop("b")),
    "journaled late": ("journaled", lambda d: d.intents["b"].update(wall=START + 216 * SECOND)),
    "book not valid": ("valid book", lambda d: d.intents["b"].update(book_valid=False)),
    "said to have no book": ("valid book", lambda d: d.states["F-1"].append((START + 214_500_000_000, "no book"))),
    "rests at the pull": ("from the pull", lambda d: d.orders[0].update(last_update_time=at(30.001))),
    "back too soon": ("from the pull", lambda d: late_order(d, "F-1", 209.9, 220)),
    "back before the word": ("from the pull", lambda d: late_order(d, "F-1", 212, 220)),
    "seen resting": ("from the pull", lambda d: d.looks.append((START + 60 * SECOND, [d.orders[1]]))),
    "decided and quoted": ("ever again", lambda d: late_order(d, "C-1", 280, 290)),
    "unreconciled": ("exchange's", lambda d: d.summary.update(unreconciled=1)),
    "a fill unknown": ("exchange's", lambda d: d.summary.update(fills=0)),
    "no check": ("exchange's", lambda d: d.summary.update(book_checks=0)),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_day_fails_its_clause(name: str) -> None:
    clause, spoil = SPOILT[name]
    day = copy.deepcopy(clean())
    spoil(day)
    assert any(clause in found for found in failing(day)), failing(day)
