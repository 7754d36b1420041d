"""The log of alerts: what is over says when, and nothing a person has not seen is washed away."""

from __future__ import annotations

from kalshi_tui.kernel.alerts import ALERTS_KEPT, KEPT, AlertLog
from kalshi_tui.protocol.quotes import Alert, AlertLevel


class Wall:
    now = 0

    def __call__(self) -> int:
        return self.now


def raised(log: AlertLog, key: str, level: AlertLevel = AlertLevel.WARN, wall: int = 0) -> None:
    log.raise_alert(Alert(key, level, key), wall)


def test_an_alert_that_is_over_stays_and_says_when() -> None:
    wall = Wall()
    log = AlertLog(wall)
    raised(log, "killed", AlertLevel.HALT)
    wall.now = 7
    log.over("killed")
    [line] = log.lines
    assert (line.text, line.over, line.seen) == ("killed", 7, False)
    log.acknowledge(0)
    assert (log.lines[0].over, log.lines[0].seen) == (7, True)


def test_raised_again_it_is_another_line() -> None:
    wall = Wall()
    log = AlertLog(wall)
    raised(log, "feed")
    wall.now = 1
    log.over("feed")
    raised(log, "feed", wall=2)
    wall.now = 3
    log.over("other")
    assert [line.over for line in log.lines] == [None, 1]


def test_what_only_happened_is_not_over() -> None:
    log = AlertLog(Wall())
    raised(log, "late fill")
    log.over("late fill")
    assert log.lines[0].over is None


def test_notes_never_wash_an_alert_away() -> None:
    log = AlertLog(Wall())
    raised(log, "killed", AlertLevel.HALT)
    raised(log, "resumed", AlertLevel.INFO)
    for n in range(3 * KEPT):
        log.note(n, "fill", f"fill {n}")
    assert len(log.lines) == KEPT and log.lines[0].text == f"fill {3 * KEPT - 1}"
    assert [line.text for line in log.shown(40, every_alert=False)[40:]] == ["killed"]
    assert [line.text for line in log.shown(40, every_alert=True)[40:]] == ["resumed", "killed"]


def test_many_alerts_leave_room_and_the_unseen_halt() -> None:
    log = AlertLog(Wall())
    raised(log, "killed", AlertLevel.HALT)
    for n in range(3 * KEPT):
        raised(log, f"warn {n}")
        log.note(n, "fill", f"fill {n}")
    assert len(log.lines) == KEPT
    assert log.lines[-1].text == "killed"
    assert sum(1 for line in log.lines if line.alert) <= KEPT
    assert log.lines[0].text == f"fill {3 * KEPT - 1}"


def test_seen_alerts_go_before_unseen_ones() -> None:
    log = AlertLog(Wall())
    raised(log, "unseen")
    for n in range(KEPT + 5):
        raised(log, f"seen {n}", AlertLevel.INFO)
    assert len(log.lines) == KEPT and log.lines[-1].text == "unseen"
    assert ALERTS_KEPT < KEPT
