"""What the exchange says no with: a status, a code and the words, as recorded where a recording exists."""

from __future__ import annotations

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """An HTTP status and the nested error body's fields (``service`` left out since August 2026)."""

    status: int
    code: str
    message: str
    details: str = ""

    def body(self) -> dict[str, object]:
        """``{"error": {"code", "message"[, "details"]}}``."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = self.details
        return {"error": error}


NOT_FOUND = Refusal(404, "not_found", "not found")
"""Also the answer to cancelling an order that is no longer resting."""
MARKET_NOT_FOUND = Refusal(404, "market_not_found", "market not found")
ORDER_EXISTS = Refusal(409, "order_already_exists", "order already exists")
INSUFFICIENT_BALANCE = Refusal(400, "insufficient_balance", "insufficient balance")
INVALID_PRICE = Refusal(400, "invalid_price", "invalid price")
INVALID_SIZE = Refusal(400, "invalid_order_size", "invalid order size")
MARKET_NOT_ACTIVE = Refusal(400, "MARKET_NOT_ACTIVE", "market is not active")
MARKET_INACTIVE = Refusal(400, "MARKET_INACTIVE", "market is inactive")
"""Every order operation after ``close_time``, cancels included."""
TRADING_PAUSED = Refusal(409, "trading_is_paused", "trading is paused")
EXCHANGE_PAUSED = Refusal(503, "exchange_is_paused", "exchange is paused")
"""Status and code are invented: no recording of an exchange pause exists."""
TICKER_MISMATCH = Refusal(400, "order_ticker_mismatch", "order ticker mismatch")
SIDE_MISMATCH = Refusal(400, "order_side_mismatch", "order side mismatch")
CLIENT_ID_MISMATCH = Refusal(
    400, "order_id_and_client_order_id_mismatch", "order id and client order id mismatch"
)
FOK_UNFILLABLE = Refusal(
    409, "fill_or_kill_insufficient_resting_volume", "fill or kill insufficient resting volume"
)
"""Status and code are not in our recordings: the exchange's older order path answered so."""
GROUP_NOT_FOUND = Refusal(404, "order_group_not_found", "order group not found")
GROUP_TRIGGERED = Refusal(409, "order_group_triggered", "order group is triggered; reset it first")
"""Invented: the documents say only that new orders are refused until the group is reset."""


def invalid_order(details: str) -> Refusal:
    """400 ``invalid_order`` with the reason in ``details``, e.g. ``post only cross``."""
    return Refusal(400, "invalid_order", "invalid order", details)


GROUP_LIMIT_INVALID = Refusal(
    400, "invalid_contracts_limit", "contracts limit must be between 1 and 1000000 contracts"
)
"""The range is documented, the code is invented."""

POST_ONLY_CROSS = invalid_order("post only cross")
EXPIRATION_PAST = invalid_order("Expiration timestamp must be in the future")
EXPIRATION_ABSURD = invalid_order("Expiration timestamp must be in Unix seconds")
CLIENT_ID_TOO_LONG = invalid_order("client_order_id is longer than 64 characters")
CLIENT_ID_MAX = 64
