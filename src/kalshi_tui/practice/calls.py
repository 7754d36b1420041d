"""One REST call as handlers see it, the replies they give, and errors in the shapes that were recorded."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from kalshi_tui.practice.accounts import Account
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.limits import DEFAULT_COST, Allowance
from kalshi_tui.practice.refusals import NOT_FOUND, Refusal
from kalshi_tui.protocol.units import SECOND, Nanos

T = TypeVar("T")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class Reply(Struct, frozen=True):
    status: int
    body: object
    """JSON-able; None is an empty body, ``str`` is sent as plain text."""


class Problem(Exception):
    """A call that is refused: carries the reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.body))
        self.reply = reply


TOO_MANY_REQUESTS = Reply(429, {"error": "too many requests"})
PAGE_NOT_FOUND = Reply(404, "404 page not found")


def refuse(refusal: Refusal) -> Problem:
    """The nested error body."""
    return Problem(Reply(refusal.status, refusal.body()))


def bad_request(details: str) -> Problem:
    """The flat error body, as recorded for bodies that can not be read."""
    return Problem(Reply(400, {"code": "bad_request", "message": "bad request", "details": details}))


class Call(Struct, frozen=True):
    """One request, already admitted. ``account`` is None on public calls without a signature."""

    exchange: Exchange
    account: Account | None
    allowance: Allowance | None
    tier: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    every: Callable[[str], list[str]]
    """All values of a repeated query parameter."""
    body: bytes
    now: Nanos

    @property
    def caller(self) -> Account:
        """The signed account of a private call."""
        if self.account is None:
            raise AssertionError("a private route was served without a caller")
        return self.account

    def number(self, name: str, default: int | None = None) -> int | None:
        """An integer query parameter; 400 when it is none."""
        text = self.query.get(name)
        if text is None or text == "":
            return default
        if _INTEGER.fullmatch(text) is None:
            raise bad_request(f"query parameter {name} is not an integer")
        return int(text)

    def listed(self, name: str) -> list[str] | None:
        """A comma-separated or repeated query parameter, None when absent."""
        values = [part for text in self.every(name) for part in text.split(",") if part]
        return values or None

    def flag(self, name: str) -> bool:
        return self.query.get(name) == "true"

    def within(self, at: Nanos) -> bool:
        """Whether a moment lies in ``min_ts``..``max_ts`` (Unix seconds, both ends included)."""
        low, high = self.number("min_ts"), self.number("max_ts")
        seconds = at // SECOND
        return (low is None or seconds >= low) and (high is None or seconds <= high)

    def json(self, struct: str) -> dict[str, Any]:
        """The body as an object; ``struct`` names it in errors. An empty body is an empty object."""
        try:
            value = msgspec.json.decode(self.body) if self.body.strip() else {}
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise bad_request("invalid character in request body: it is not JSON") from None
        if not isinstance(value, dict):
            raise bad_request(f"json: cannot unmarshal {kind_of(value)} into Go value of type {struct}")
        return value

    def page(
        self,
        rows: list[tuple[int, T]],
        operation: str,
        *,
        most: int,
        default: int,
        newest_first: bool = False,
    ) -> tuple[list[T], str]:
        """The rows after the cursor, at most ``limit`` of them, and the next cursor, empty at the end.

        ``rows`` carry ascending keys. A cursor that is none of ours starts from the first row (recorded).
        """
        limit = self._limit(operation, most, default)
        after = _decode_cursor(self.query.get("cursor", ""))
        if newest_first:
            rows = rows[::-1]
        if after is not None:
            rows = [row for row in rows if (row[0] < after if newest_first else row[0] > after)]
        shown = rows[:limit]
        cursor = _encode_cursor(shown[-1][0]) if len(rows) > limit else ""
        return [row for _, row in shown], cursor

    def _limit(self, operation: str, most: int, default: int) -> int:
        limit = self.number("limit")
        if limit is None or limit == 0:
            return default
        if 0 < limit <= most:
            return limit
        tag = "lte" if limit > 0 else "gte"
        text = (
            f"Parameter validation failed for {operation}: Key: '{operation}Params.Limit' "
            f"Error:Field validation for 'Limit' failed on the '{tag}' tag"
        )
        raise Problem(Reply(400, {"msg": text}))


def kind_of(value: object) -> str:
    """The JSON kind of a value, as Go's decoder names it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _encode_cursor(key: int) -> str:
    return urlsafe_b64encode(f"k{key}".encode()).decode().rstrip("=")


def _decode_cursor(text: str) -> int | None:
    try:
        plain = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        return int(plain[1:]) if plain[:1] == "k" else None
    except (Base64Error, ValueError):
        return None


Handler = Callable[[Call], Reply]


class Route(Struct, frozen=True):
    """A path under ``/trade-api/v2`` and what a call costs; a ``batch`` costs that for each of its orders."""

    method: str
    path: str
    handler: Handler
    bucket: str = "read"
    cost: int = DEFAULT_COST
    signed: bool = True
    batch: bool = False


def found(value: T | None) -> T:
    """``value``, or 404 where there is none."""
    if value is None:
        raise refuse(NOT_FOUND)
    return value
