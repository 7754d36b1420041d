"""Order groups: ``/portfolio/order_groups``."""

from __future__ import annotations

from kalshi_tui.practice.bodies import Body
from kalshi_tui.practice.calls import Call, Reply, Route, bad_request, refuse
from kalshi_tui.practice.fields import Fields
from kalshi_tui.practice.groups import Group
from kalshi_tui.practice.refusals import GROUP_NOT_FOUND, Refusal
from kalshi_tui.protocol.units import CONTRACT, Count, format_count


def _limit(fields: Fields) -> Count:
    whole, exact = fields.integer("contracts_limit"), fields.optional_count("contracts_limit_fp")
    if (whole is None) == (exact is None):
        raise bad_request("exactly one of contracts_limit and contracts_limit_fp is required")
    return exact if exact is not None else (whole or 0) * CONTRACT


def _facts(group: Group) -> Body:
    """Fresh groups are recorded with ``is_auto_cancel_enabled`` false: true is read as "triggered"."""
    return {
        "is_auto_cancel_enabled": group.triggered,
        "contracts_limit_fp": format_count(group.limit),
        "exchange_index": group.shard,
    }


def create(call: Call) -> Reply:
    fields = Fields("CreateOrderGroupRequest", call.json("CreateOrderGroupRequest"))
    error = fields.not_primary()
    if error is not None:
        raise refuse(error)
    shard = fields.integer("exchange_index") or 0
    group, error = call.exchange.create_group(call.caller, _limit(fields), now=call.now, shard=shard)
    if group is None:
        raise refuse(error or GROUP_NOT_FOUND)
    return Reply(201, {"order_group_id": group.group_id, "subaccount": 0, "exchange_index": group.shard})


def list_all(call: Call) -> Reply:
    rows = [{"id": group.group_id, **_facts(group)} for group in call.exchange.groups_of(call.caller)]
    return Reply(200, {"order_groups": rows})


def one(call: Call) -> Reply:
    group = call.exchange.group(call.caller, call.path["order_group_id"])
    if group is None:
        raise refuse(GROUP_NOT_FOUND)
    orders = [order.order_id for order in call.exchange.orders_in(group)]
    return Reply(200, {**_facts(group), "orders": orders})


def _done(error: Refusal | None) -> Reply:
    if error is not None:
        raise refuse(error)
    return Reply(200, {})


def _on_its_shard(call: Call) -> str:
    """The group's id; a named shard that is not the group's finds nothing."""
    group_id, shard = call.path["order_group_id"], call.number("exchange_index")
    group = call.exchange.group(call.caller, group_id)
    if group is None or shard not in (None, group.shard):
        raise refuse(GROUP_NOT_FOUND)
    return group_id


def reset(call: Call) -> Reply:
    return _done(call.exchange.reset_group(call.caller, _on_its_shard(call), now=call.now))


def trigger(call: Call) -> Reply:
    return _done(call.exchange.trigger_group(call.caller, _on_its_shard(call), now=call.now))


def limit(call: Call) -> Reply:
    fields = Fields("UpdateOrderGroupLimitRequest", call.json("UpdateOrderGroupLimitRequest"))
    return _done(call.exchange.limit_group(call.caller, _on_its_shard(call), _limit(fields), now=call.now))


def delete(call: Call) -> Reply:
    return _done(call.exchange.delete_group(call.caller, _on_its_shard(call), now=call.now))


_GROUPS = "/portfolio/order_groups"
ROUTES = [
    Route("GET", _GROUPS, list_all),
    Route("POST", _GROUPS + "/create", create, bucket="write"),
    Route("GET", _GROUPS + "/{order_group_id}", one),
    Route("DELETE", _GROUPS + "/{order_group_id}", delete, bucket="write"),
    Route("PUT", _GROUPS + "/{order_group_id}/reset", reset, bucket="write"),
    Route("PUT", _GROUPS + "/{order_group_id}/trigger", trigger, bucket="write"),
    Route("PUT", _GROUPS + "/{order_group_id}/limit", limit, bucket="write"),
]
