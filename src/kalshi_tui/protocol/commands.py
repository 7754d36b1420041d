"""What a person or a script may ask of the desk. Every one is answered by an ``Ack``."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from kalshi_tui.protocol.quotes import QuoteSides, Regime
from kalshi_tui.protocol.units import Count, Nanos, Price, Side


class Scope(Struct, frozen=True):
    """Where a stop applies: a market, an event, or (both empty) everything."""

    ticker: str = ""
    event: str = ""


class Command(Struct, frozen=True, tag_field="do"):
    """``id`` is the client's own number; the answer carries it."""

    id: int


class Arm(Command, frozen=True, tag="arm"):
    """HAND armed or safe."""

    on: bool


class SetQuoting(Command, frozen=True, tag="set_quoting"):
    on: bool
    ticker: str = ""
    """Empty means all markets of the desk."""


class SetEngine(Command, frozen=True, tag="set_engine"):
    ticker: str
    engine: str


class Stop(Command, frozen=True, tag="stop"):
    """One rung of the safe-stop ladder: ``hold``, ``pull``, ``flatten`` or ``kill``."""

    kind: str
    scope: Scope = Scope()
    why: str = ""
    """What asked for it where that was no key: a file, a signal. A screen's is not heard."""


class Clear(Command, frozen=True, tag="clear"):
    """Open the gate again after a hold or a kill; ``reduce_only`` for reducing alone."""

    reduce_only: bool = False
    scope: Scope = Scope()


class PlaceOrder(Command, frozen=True, tag="place_order"):
    """An order by hand. ``take`` sends IOC up to ``price``; otherwise post-only GTC.

    ``view_wall`` is the stamp of the view it was pressed on: the desk refuses one older than a second.
    """

    ticker: str
    side: Side
    price: Price
    count: Count
    view_wall: Nanos
    take: bool = False


class CancelOrders(Command, frozen=True, tag="cancel_orders"):
    """Cancel what this desk has resting: at ``price`` where given, else all of the market.

    Only the trader's own orders unless ``engines`` is set (then that side of the market pauses).
    """

    ticker: str
    price: Price | None = None
    engines: bool = False


class OverrideRegime(Command, frozen=True, tag="override_regime"):
    """Pin a market's regime for ``seconds`` from now: the trader knows better. 0 seconds lifts it."""

    ticker: str
    regime: Regime
    seconds: int


class Tilt(Command, frozen=True, tag="tilt"):
    """The trader's own view of a market: a lean of fair in levels, a widening, and the sides allowed."""

    ticker: str
    lean_levels: int = 0
    widen: float = 0.0
    sides: QuoteSides = QuoteSides.BOTH


class SetParams(Command, frozen=True, tag="set_params"):
    """Parameters of a market's engine, by name; those left out stay as they are. Empty: back to the desk's."""

    ticker: str
    values: dict[str, int | float | bool]


class ReadParams(Command, frozen=True, tag="read_params"):
    """Ask for a market's engine and its parameters; answered by ``EngineParams`` before the ``Ack``."""

    ticker: str


class Acknowledge(Command, frozen=True, tag="acknowledge"):
    """The trader has seen an alert; 0 means the oldest unseen one."""

    alert: int = 0


class Focus(Command, frozen=True, tag="focus"):
    """What this screen looks at: the market whose ladder it draws and the window of prices it shows.

    ``low``/``high`` bound the ladder rows the desk computes; None lets the desk centre on the market.
    """

    ticker: str
    low: Price | None = None
    high: Price | None = None


class Describe(Command, frozen=True, tag="describe"):
    """Ask for the market's card; answered by ``MarketCard`` before the ``Ack``."""

    ticker: str


class Heartbeat(Command, frozen=True, tag="heartbeat"):
    """The screen's terminal drew a frame: proof that somebody can see. Every second."""

    keys: int = 0
    """Key presses since the last one: a person is there."""


class EndDesk(Command, frozen=True, tag="end_desk"):
    """Pull, verify, end the desk."""


class ReadStatus(Command, frozen=True, tag="read_status"):
    """Ask for one full ``DeskView`` now."""


AnyCommand: TypeAlias = (
    Arm
    | SetQuoting
    | SetEngine
    | Stop
    | Clear
    | PlaceOrder
    | CancelOrders
    | OverrideRegime
    | Tilt
    | SetParams
    | ReadParams
    | Acknowledge
    | Focus
    | Describe
    | Heartbeat
    | EndDesk
    | ReadStatus
)


class Ack(Struct, frozen=True, tag="ack"):
    """The desk's answer: done, or refused with its reason."""

    id: int
    ok: bool
    text: str = ""
