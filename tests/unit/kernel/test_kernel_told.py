"""Sentences are put together where they are read, and say then what was decided."""

from __future__ import annotations

from kernel_bench import Bench

from kalshi_tui.protocol.effects import Report
from kalshi_tui.protocol.events import ReadFailed
from kalshi_tui.protocol.rest_errors import error_from_rest


def quotes(bench: Bench) -> list[Report]:
    return [report for report in bench.made(Report) if report.type == "quote"]


def test_a_quote_line_read_late_says_what_was_quoted_then() -> None:
    bench = Bench()
    bench.accept_all()
    bench.wait(1)
    bench.delta("0.4500", "10.00")
    bench.turn()
    market = bench.kernel.state.markets["T-1"]
    (line,) = quotes(bench)
    assert market.intent is not None
    then = market.intent.reason
    assert market.why == then
    bench.wait(1)
    bench.delta("0.4500", "-10.00")
    bench.turn()
    assert line.fields["why"] == then != market.why
    assert {"ticker", "engine", "bid", "ask", "fair", "why"} == set(line.fields)


def test_why_is_the_same_sentence_however_often_it_is_read() -> None:
    market = Bench().kernel.state.markets["T-1"]
    assert market.why == market.why and market.why.startswith("bid ")


def test_an_alert_about_a_refused_read_says_the_code_once() -> None:
    bench = Bench()
    body = b'{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}'
    bench.kernel.apply(ReadFailed(bench.now, "balance", error_from_rest(401, body)))
    alerts = [line.text for line in bench.kernel.view(bench.now).log]
    assert "reading balance failed: authentication_error: NOT_FOUND" in alerts
