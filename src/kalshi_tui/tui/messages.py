"""What widgets tell the screen. All of them, in one place."""

from __future__ import annotations

from textual.message import Message

from kalshi_tui.protocol.units import Price


class MarketPicked(Message):
    """A line of the market list was clicked."""

    def __init__(self, ticker: str) -> None:
        super().__init__()
        self.ticker = ticker


class PricePicked(Message):
    """A row of the ladder was clicked: the cursor goes there. A click never places an order."""

    def __init__(self, price: Price) -> None:
        super().__init__()
        self.price = price


class PanePicked(Message):
    """A pane was clicked."""

    def __init__(self, pane: str) -> None:
        super().__init__()
        self.pane = pane
