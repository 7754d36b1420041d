"""Order groups: the rolling fifteen seconds, triggers, resets."""

from __future__ import annotations

from practice_kit import ASK, BID, NOW, Trader, exchange, of_kind

from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.groups import Group
from kalshi_tui.practice.happenings import GroupUpdated
from kalshi_tui.practice.refusals import GROUP_LIMIT_INVALID, GROUP_NOT_FOUND, GROUP_TRIGGERED
from kalshi_tui.protocol.units import SECOND


def grouped(limit: int = 500) -> tuple[Exchange, Trader, Group]:
    ex = exchange("MKT-A", "MKT-B")
    me = Trader(ex, "me")
    group, error = ex.create_group(me.account, limit, now=NOW)
    assert group is not None, error
    return ex, me, group


def test_a_group_triggers_when_the_window_exceeds_its_limit() -> None:
    ex, me, group = grouped(500)
    taker = Trader(ex, "taker")
    me.rest(BID, 50, 5, order_group_id=group.group_id)
    other = me.rest(ASK, 60, 5, order_group_id=group.group_id, ticker="MKT-B")
    free = me.rest(BID, 40, 5)
    taker.rest(ASK, 50, 5)
    assert ex.orders_in(group) == [other]
    me.rest(BID, 50, 1, order_group_id=group.group_id)
    taker.rest(ASK, 50, 0.01, now=NOW + SECOND)
    assert group.triggered
    assert (other.status, free.status) == ("canceled", "resting")
    assert me.place(BID, 50, order_group_id=group.group_id).error == GROUP_TRIGGERED
    assert ex.reset_group(me.account, group.group_id, now=NOW) is None
    assert me.rest(BID, 50, order_group_id=group.group_id).status == "resting"


def test_what_matched_fifteen_seconds_ago_is_forgotten() -> None:
    ex, me, group = grouped(500)
    taker = Trader(ex, "taker")
    for after in (0, 15):
        me.rest(BID, 50, 5, order_group_id=group.group_id, now=NOW + after * SECOND)
        taker.rest(ASK, 50, 5, now=NOW + after * SECOND)
    assert not group.triggered
    me.rest(BID, 50, 1, order_group_id=group.group_id, now=NOW + 29 * SECOND)
    taker.rest(ASK, 50, 1, now=NOW + 29 * SECOND)
    assert group.triggered


def test_taking_counts_as_much_as_making() -> None:
    ex, me, group = grouped(500)
    Trader(ex, "maker").rest(ASK, 50, 9)
    order = me.rest(BID, 50, 6, order_group_id=group.group_id)
    assert (order.filled, group.triggered) == (600, True)


def test_a_trigger_by_hand_and_a_lowered_limit_pull_everything() -> None:
    ex, me, group = grouped(500)
    order = me.rest(BID, 50, 5, order_group_id=group.group_id)
    assert [o.order_id for o in ex.orders_in(group)] == [order.order_id]
    assert ex.trigger_group(me.account, group.group_id, now=NOW) is None
    assert order.status == "canceled"
    ex.reset_group(me.account, group.group_id, now=NOW)
    me.rest(BID, 50, 3, order_group_id=group.group_id)
    Trader(ex, "taker").rest(ASK, 50, 2)
    assert ex.limit_group(me.account, group.group_id, 100, now=NOW) is None
    assert group.triggered
    assert ex.orders_in(group) == []


def test_deleting_cancels_and_forgets() -> None:
    ex, me, group = grouped()
    order = me.rest(BID, 50, order_group_id=group.group_id)
    assert ex.delete_group(me.account, group.group_id, now=NOW) is None
    assert order.status == "canceled"
    assert me.place(BID, 50, order_group_id=group.group_id).error == GROUP_NOT_FOUND
    assert ex.delete_group(me.account, group.group_id, now=NOW) == GROUP_NOT_FOUND


def test_groups_are_their_owners() -> None:
    ex, _, group = grouped()
    you = Trader(ex, "you")
    assert ex.trigger_group(you.account, group.group_id, now=NOW) == GROUP_NOT_FOUND
    assert you.place(BID, 50, order_group_id=group.group_id).error == GROUP_NOT_FOUND
    assert ex.groups_of(you.account) == []


def test_limits_are_one_to_a_million_contracts() -> None:
    ex, me, group = grouped()
    assert ex.create_group(me.account, 99, now=NOW) == (None, GROUP_LIMIT_INVALID)
    assert ex.create_group(me.account, 100_000_001, now=NOW) == (None, GROUP_LIMIT_INVALID)
    assert ex.limit_group(me.account, group.group_id, 0, now=NOW) == GROUP_LIMIT_INVALID


def test_every_change_is_told_to_the_owner() -> None:
    ex, me, group = grouped()
    ex.limit_group(me.account, group.group_id, 700, now=NOW)
    ex.trigger_group(me.account, group.group_id, now=NOW)
    ex.reset_group(me.account, group.group_id, now=NOW)
    ex.delete_group(me.account, group.group_id, now=NOW)
    told = [(update.event_type, update.limit) for update in of_kind(ex.drain(), GroupUpdated)]
    assert told == [
        ("created", 500),
        ("limit_updated", 700),
        ("triggered", None),
        ("reset", None),
        ("deleted", None),
    ]
