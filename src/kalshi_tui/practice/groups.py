"""Order groups: a limit on contracts matched in a rolling 15 seconds; past it the group is cancelled."""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.fees import DIRECT_2026_08, Rounding
from kalshi_tui.practice.happenings import GroupUpdated
from kalshi_tui.practice.matching import Order
from kalshi_tui.practice.refusals import GROUP_LIMIT_INVALID, GROUP_NOT_FOUND, Refusal
from kalshi_tui.practice.registry import Registry
from kalshi_tui.protocol.units import CONTRACT, SECOND, Count, Nanos

WINDOW: Nanos = 15 * SECOND
LIMIT_MAX: Count = 1_000_000 * CONTRACT


class Group(Struct, eq=False):
    group_id: str
    user_id: str
    shard: int
    limit: Count
    triggered: bool = False
    matched: deque[tuple[Nanos, Count]] = field(default_factory=deque)

    def matched_within(self, now: Nanos) -> Count:
        """Contracts matched in the window that ends now."""
        while self.matched and self.matched[0][0] <= now - WINDOW:
            self.matched.popleft()
        return sum(count for _, count in self.matched)


class Groups(Registry):
    """The registry with order groups. A triggered group refuses new orders until it is reset."""

    def __init__(self, *, seed: int = 0, rounding: Rounding = DIRECT_2026_08) -> None:
        super().__init__(seed=seed, rounding=rounding)
        self.groups: dict[str, Group] = {}

    def create_group(
        self, account: Account, limit: Count, *, now: Nanos, shard: int = 0
    ) -> tuple[Group | None, Refusal | None]:
        """``limit`` 1 to 1,000,000 contracts."""
        if not CONTRACT <= limit <= LIMIT_MAX:
            return None, GROUP_LIMIT_INVALID
        group = Group(self._group_ids.new(), account.user_id, shard, limit)
        self.groups[group.group_id] = group
        self._tell_group(group, "created", now)
        return group, None

    def groups_of(self, account: Account) -> list[Group]:
        return [group for group in self.groups.values() if group.user_id == account.user_id]

    def group(self, account: Account, group_id: str) -> Group | None:
        found = self.groups.get(group_id)
        return found if found is not None and found.user_id == account.user_id else None

    def orders_in(self, group: Group) -> list[Order]:
        """Its resting orders."""
        resting = self.accounts[group.user_id].resting
        return [o for orders in resting.values() for o in orders.values() if o.group_id == group.group_id]

    def reset_group(self, account: Account, group_id: str, *, now: Nanos) -> Refusal | None:
        """Counter to zero, new orders accepted again."""
        group = self.group(account, group_id)
        if group is None:
            return GROUP_NOT_FOUND
        group.matched.clear()
        group.triggered = False
        self._tell_group(group, "reset", now)
        return None

    def trigger_group(self, account: Account, group_id: str, *, now: Nanos) -> Refusal | None:
        """Cancel all its orders and refuse new ones."""
        group = self.group(account, group_id)
        if group is None:
            return GROUP_NOT_FOUND
        self._trigger(group, now)
        return None

    def limit_group(self, account: Account, group_id: str, limit: Count, *, now: Nanos) -> Refusal | None:
        """A new limit; one below what the window already matched triggers at once."""
        group = self.group(account, group_id)
        if group is None:
            return GROUP_NOT_FOUND
        if not CONTRACT <= limit <= LIMIT_MAX:
            return GROUP_LIMIT_INVALID
        group.limit = limit
        self._tell_group(group, "limit_updated", now)
        self._watch_group(group, now)
        return None

    def delete_group(self, account: Account, group_id: str, *, now: Nanos) -> Refusal | None:
        """Cancel all its orders and forget it."""
        group = self.group(account, group_id)
        if group is None:
            return GROUP_NOT_FOUND
        for order in self.orders_in(group):
            self._cancel_resting(order, "", now)
        del self.groups[group_id]
        self._tell_group(group, "deleted", now)
        return None

    def _count_match(self, order: Order, count: Count, now: Nanos) -> None:
        group = self.groups.get(order.group_id)
        if group is not None:
            group.matched.append((now, count))

    def _watch_group(self, group: Group, now: Nanos) -> None:
        """Trigger it when the rolling total exceeds the limit."""
        if not group.triggered and group.matched_within(now) > group.limit:
            self._trigger(group, now)

    def _trigger(self, group: Group, now: Nanos) -> None:
        group.triggered = True
        for order in self.orders_in(group):
            self._cancel_resting(order, "", now)
        self._tell_group(group, "triggered", now)

    def _tell_group(self, group: Group, event_type: str, now: Nanos) -> None:
        limit = group.limit if event_type in ("created", "limit_updated") else None
        self.outbox.append(GroupUpdated(group.user_id, group.group_id, event_type, limit, now))
