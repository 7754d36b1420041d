"""One calibration from observed markets: folds, comparisons and the verdict, the same shape for every engine."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from kalshi_tui.features.microprice_fit import MOVES_PER_ROW
from kalshi_tui.kernel.calibration import Calibration
from kalshi_tui.protocol.units import CENT, MILLISECOND, SECOND, counted
from kalshi_tui.research import calibrate_m1, calibrate_m2, calibrate_m3
from kalshi_tui.research.calibrate_stats import EMBARGO, FEWEST_EVENTS, LEVEL, RESAMPLES, Span, walk_forward
from kalshi_tui.research.calibrate_tape import Observed, Watched


class MixedMarketsError(Exception):
    """Markets that can not be measured together."""


class Report(Struct):
    """``rows`` are the JSON lines but the last, as (type, fields); ``lines`` say the same to a person."""

    measured: Calibration
    reason: str
    """Why it is refused; empty when blessed."""
    parameters: dict[str, Any]
    rows: list[tuple[str, dict[str, Any]]]
    lines: list[str]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for found, fields in self.rows if found == kind]


def _on_one_grid(markets: list[Watched]) -> None:
    """``MixedMarketsError`` where they are not, with the options that would choose one grid each."""
    grids: dict[tuple[int, ...], list[Watched]] = {}
    for market in markets:
        grids.setdefault(tuple(market.grid.prices), []).append(market)
    if len(grids) == 1:
        return
    series = [sorted({market.series for market in group}) for group in grids.values()]
    apart = len({name for names in series for name in names}) == sum(map(len, series))
    names = series if apart else [sorted(market.ticker for market in group) for group in grids.values()]
    options = ", or ".join(f"--markets {','.join(group)}" for group in names)
    raise MixedMarketsError(f"the tapes hold markets on {len(grids)} price grids; calibrate one: {options}.")


def calibrate(engine: str, observed: Observed, seed: int) -> Report:
    """Fit and judge ``m1``, ``m2`` or ``m3``.

    ``MixedMarketsError`` where the tapes hold different price grids, which m3 may; ``NoStatsmodelsError``.
    """
    markets = observed.markets
    if engine == "m3":
        return _m3(markets)
    _on_one_grid(markets)
    events: dict[str, list[Watched]] = {}
    for market in markets:
        events.setdefault(market.event, []).append(market)
    spans = [
        Span(event, min(m.begun for m in parts), max(m.ended for m in parts))
        for event, parts in events.items()
    ]
    series = tuple(sorted({market.series for market in markets}))
    measured = Calibration(series, markets[0].grid.bands)
    report = Report(measured, "", _chosen(seed), [], [])
    ended = {span.event: span.ended for span in spans}
    run = _m1 if engine == "m1" else _m2
    run(report, markets, events, [(fold, ended[fold.test]) for fold in walk_forward(spans)], seed)
    return report


def _m3(markets: Sequence[Watched]) -> Report:
    """Pairs need no folds: a pair is of these very markets, and the desk goes on measuring it."""
    calibrate_m3.require_statsmodels()
    tests, short = calibrate_m3.try_pairs(markets)
    blessed = tuple(test.spec() for test in tests if not test.refusal)
    series = tuple(sorted({market.series for market in markets}))
    parameters = {
        "sample_s": calibrate_m3.SAMPLE / SECOND,
        "largest_p": calibrate_m3.LARGEST_P,
        "least_samples": calibrate_m3.RULES.least_samples,
        "pairs_tried": len(tests),
        "pairs_too_short": short,
    }
    reason = "" if blessed else f"of {counted(len(tests), 'pair')} tried none passes"
    lines = list(calibrate_m3.sentences(tests, short))
    measured = Calibration(series, markets[0].grid.bands, pairs=blessed)
    report = Report(measured, reason, parameters, [], lines)
    for test in tests:
        fields = msgspec.to_builtins(test)
        if not isfinite(test.half_life_s):
            fields["half_life_s"] = None
        report.rows.append(("pair", fields | {"blessed": not test.refusal, "reason": test.refusal}))
    return report


def _chosen(seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "resamples": RESAMPLES,
        "confidence": LEVEL,
        "embargo_s": EMBARGO / SECOND,
        "fewest_events": FEWEST_EVENTS,
    }


def _m1(report: Report, markets: Sequence[Watched], events: Any, folds: Any, seed: int) -> None:
    report.parameters |= {
        "horizon_s": calibrate_m1.HORIZON / SECOND,
        "moves_per_row": MOVES_PER_ROW,
        "largest_p": calibrate_m1.LARGEST_P,
    }
    results = []
    for number, (fold, ended) in enumerate(folds, 1):
        result = calibrate_m1.run_fold(fold, events)
        results.append(result)
        _m1_fold(report, number, result, ended)
    comparisons = [calibrate_m1.compare(results, rival, seed) for rival in calibrate_m1.RIVALS]
    for one in comparisons:
        report.rows.append(("comparison", msgspec.to_builtins(one) | {"unit": "cents²", "beats": one.beats}))
        report.lines.append(
            f"held out, 30 s ahead, micro-price against {one.against}: squared error "
            f"{one.micro:.3f} against {one.rival:.3f} ¢², difference {one.difference:+.3f} ¢² "
            f"{calibrate_m1.shown(one.interval)}, {counted(one.events, 'event')}, sign-flip p {one.p:.3f}"
            + (
                ""
                if one.events_needed is None
                else f"; about {counted(one.events_needed, 'event')} would show it"
            )
        )
    table, samples, moves = calibrate_m1.fit(
        markets, f"{counted(len(events), 'event')} of {', '.join(report.measured.series)}"
    )
    report.measured = msgspec.structs.replace(report.measured, table=table)
    report.parameters |= {"samples": samples, "moves": moves}
    report.reason = calibrate_m1.refusal(table, comparisons)
    report.lines += [f"table of all events ({samples} steps, {moves} moves of the mid), in ticks:"]
    for spread, (row, fitted) in enumerate(zip(table.rows, table.fitted, strict=True), 1):
        values = " ".join(f"{value:+.3f}" for value in row)
        report.lines.append(
            f"  spread {spread}: {values}{'' if fitted else '  (too few moves: shrunk weighted mid)'}"
        )


def _m1_fold(report: Report, number: int, result: calibrate_m1.FoldResult, ended: int) -> None:
    errors, n = result.errors, max(result.errors.points, 1)
    roots = {
        "micro": (errors.micro / n) ** 0.5,
        "mid": (errors.mid / n) ** 0.5,
        "weighted_mid": (errors.weighted / n) ** 0.5,
    }
    fields = {
        "fold": number,
        "test": result.fold.test,
        "train": list(result.fold.train),
        "ts_ms": ended // MILLISECOND,
        "samples": result.samples,
        "moves": result.moves,
        "rows_fitted": list(result.fitted),
        "points": errors.points,
        "missing": errors.missing,
        "rmse_cents": roots,
    }
    report.rows.append(("fold", fields))
    report.lines.append(
        f"fold {number}: fitted on {counted(len(result.fold.train), 'event')}, tested on {result.fold.test}: error "
        f"{roots['micro']:.3f} ¢, mid {roots['mid']:.3f}, weighted mid {roots['weighted_mid']:.3f} "
        f"({counted(errors.points, 'second')}, {errors.missing} without a mid 30 s later)"
    )


def _m2(report: Report, markets: Sequence[Watched], events: Any, folds: Any, seed: int) -> None:
    report.parameters |= {
        "jump_cents": calibrate_m2.JUMP // CENT,
        "within_s": calibrate_m2.WITHIN / SECOND,
        "recall": calibrate_m2.RECALL,
        "most_active": calibrate_m2.MOST_ACTIVE,
        "candidates": sum(1 for _ in calibrate_m2.candidates()),
    }
    results = []
    for number, (fold, ended) in enumerate(folds, 1):
        result = calibrate_m2.run_fold(fold, events)
        results.append(result)
        _m2_fold(report, number, result, ended)
    rates = calibrate_m2.rates(results, seed)
    for rate in rates:
        report.rows.append(("comparison", msgspec.to_builtins(rate) | {"against": "default thresholds"}))
        report.lines.append(
            f"held out, {rate.name}: {calibrate_m2.percent(rate.value)} "
            f"{calibrate_m2.shown(rate.interval)}, target {calibrate_m2.percent(rate.target)}, "
            f"default thresholds {calibrate_m2.percent(rate.by_default)}, {counted(rate.events, 'event')}"
        )
    params = calibrate_m2.fit(calibrate_m2.seconds(markets))
    report.measured = msgspec.structs.replace(report.measured, regime=params)
    report.reason = calibrate_m2.refusal(rates)
    report.lines.append(
        f"thresholds of all events: active at {params.up:g}, calm after {params.dwell_s:g} s below {params.down:g}"
    )


def _m2_fold(report: Report, number: int, result: calibrate_m2.FoldResult, ended: int) -> None:
    held = result.held_out
    fields = {
        "fold": number,
        "test": result.fold.test,
        "train": list(result.fold.train),
        "ts_ms": ended // MILLISECOND,
        "thresholds": msgspec.to_builtins(result.params),
        "confusion": msgspec.to_builtins(held),
        "confusion_default": msgspec.to_builtins(result.by_default),
    }
    report.rows.append(("fold", fields))
    report.lines.append(
        f"fold {number}: fitted on {counted(len(result.fold.train), 'event')} (up {result.params.up:g}, down "
        f"{result.params.down:g}), tested on {result.fold.test}: caught {held.caught} of {held.windows} moves; "
        f"seconds jump {held.jump_active} active {held.jump_calm} calm, "
        f"quiet {held.quiet_active} active {held.quiet_calm} calm"
    )
