"""Every code an order can be refused with, and what it means: one table for the summary, ``codes`` and screens.

Where a verdict is at hand its own sentence says more (by how much, until when); this is what remains of it once
only the code was counted.
"""

from __future__ import annotations

from collections.abc import Mapping

MEANING: dict[str, str] = {
    "BUDGET": "the write budget was spent; what is left of it is kept for pulling",
    "GATE_KILLED": "the desk was killed; `kalshi-tui clear` opens the gate",
    "GATE_RECOVERING": "orders, fills, positions and balance were not all read back from the venue yet",
    "GATE_PULLED": "quoting was pulled and stays off until a person switches it on",
    "GATE_HELD": "a hold, pull or reduce-only clear was in force: only orders that reduce may go",
    "GATE_EXCHANGE": "the exchange was paused",
    "GATE_PAUSED": "trading was paused by the exchange",
    "GATE_MARKET": "the market was not open, or is not one this desk knows",
    "GATE_CLOSE": "the market had closed, or was too close to it for new risk",
    "GATE_BOOK": "the market had no true order book at that moment",
    "GATE_GRID": "the price was not on the market's grid, or the grid is unknown",
    "GATE_SIZE": "the size was not above zero",
    "GATE_NO_EXECUTION": "the desk only watches (--execution none)",
    "CTRL_UNKNOWN_MARKET": "the pre-trade controls know nothing of the market",
    "CTRL_BAD_ORDER": "size or price was not above zero",
    "CTRL_ORDER_SIZE": "one order had more contracts than an order may",
    "CTRL_ORDER_VALUE": "one order could lose more than an order may",
    "CTRL_COLLAR": "the price was too far beyond the market, or there was no market to compare it with",
    "CTRL_SELF_CROSS": "the order would have traded against one of our own",
    "CTRL_RATE": "more orders in a second than are allowed",
    "CTRL_IN_FLIGHT": "too many requests had no answer yet",
    "CTRL_DUPLICATE": "the same order had left a moment before",
    "CTRL_REFUSED_BEFORE": "the venue had refused that price several times within a minute",
    "CONTROLS_FAILED": "the pre-trade controls failed on the order, which counts as no",
    "R0_UNKNOWN_MARKET": "the inventory limits know nothing of the market",
    "R0_BAD_ORDER": "size or price was not above zero",
    "R0_POSITION_UNKNOWN": "the position was not read from the venue yet",
    "R0_REDUCE_ONLY": "the market's regime or calendar allowed only orders that reduce",
    "R0_REPEATED": "one side was filled over and over; the engine adds nothing for a while",
    "R0_OPEN_ORDERS": "as many orders were open as may be, in the market or in all",
    "R0_MARKET_CAP": "the market's position limit was reached, resting orders included",
    "R0_MARKET_LOSS": "the worst settlement of the market would lose more than it may",
    "R0_EVENT_LOSS": "the worst settlement of the event would lose more than it may",
    "R0_GLOBAL": "the worst settlement of all events together would lose more than it may",
    "R0_CASH": "the cash was spoken for, or the balance was not read yet",
    "R0_FAILED": "the inventory engine failed on the order, which counts as no",
    "R1_UNKNOWN_MARKET": "the day's loss limits know nothing of the market",
    "R1_HALT": "the day's loss limit was reached: halted until a person clears it",
    "R1_COOLDOWN": "losses came too fast: only orders that reduce until it has cooled down",
    "R1_NO_PNL": "the day's profit and loss was not known (a position without a mark)",
    "R1_FAILED": "the day's loss engine failed on the order, which counts as no",
    "R2_ORDER_SIZE": "the regime allowed no order of a size worth sending",
    "R2_FAILED": "the regime's risk engine failed on the order, which counts as no",
    "R3_UNKNOWN_MARKET": "the settlement model knows nothing of the market",
    "R3_NO_FAIR": "the market had no fair value or mark to judge its risk by",
    "R3_SD": "the standard deviation of the settlement would exceed its limit",
    "R3_ES99": "the loss of the worst hundredth of settlements would exceed its limit",
    "R3_THEME": "one theme would have had more than its share of the risk",
    "R3_FAILED": "the settlement model failed on the order, which counts as no",
}


def explained(refusals: Mapping[str, int]) -> list[str]:
    """A sentence per code with its count, most frequent first: ``12 × R0_MARKET_CAP: the market's …``."""
    order = sorted(refusals.items(), key=lambda item: (-item[1], item[0]))
    return [f"{count} × {code}: {MEANING.get(code, 'a code of another version')}" for code, count in order]
