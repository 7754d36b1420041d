"""The pricing engines by name. ``quote`` is a pure function of a snapshot and frozen parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from kalshi_tui.pricing import m0, m1, m2, m3
from kalshi_tui.pricing.snapshot import MarketSnapshot, QuoteParams
from kalshi_tui.protocol.quotes import QuoteIntent

__all__ = [
    "Engine",
    "MarketSnapshot",
    "QuoteParams",
    "default_params",
    "engines",
    "parameter_models",
    "quote",
    "title",
]


class Engine(Struct, frozen=True):
    """A registered engine: its parameter model, its function, its name in words."""

    params: type[QuoteParams]
    quote: Callable[[MarketSnapshot, Any], QuoteIntent]
    title: str


_ENGINES: dict[str, Engine] = {
    "m0": Engine(m0.M0Params, m0.quote, "fixed edge"),
    "m1": Engine(m1.M1Params, m1.quote, "micro-price"),
    "m2": Engine(m2.M2Params, m2.quote, "regime"),
    "m3": Engine(m3.M3Params, m3.quote, "relations"),
}


def engines() -> tuple[str, ...]:
    """Names of all engines, in the order of their keys."""
    return tuple(_ENGINES)


def title(name: str) -> str:
    """What the engine is, in two or three words."""
    return _engine(name).title


def parameter_models() -> dict[str, type[QuoteParams]]:
    """Engine name to its frozen parameter model (``ValueError`` with a plain sentence on a bad value)."""
    return {name: engine.params for name, engine in _ENGINES.items()}


def default_params(name: str) -> QuoteParams:
    return _engine(name).params()


def quote(name: str, snapshot: MarketSnapshot, params: QuoteParams) -> QuoteIntent:
    """What engine ``name`` proposes; ``params`` must be of its own model."""
    engine = _engine(name)
    if type(params) is not engine.params:
        raise TypeError(f"engine {name} takes {engine.params.__name__}, not {type(params).__name__}")
    return engine.quote(snapshot, params)


def _engine(name: str) -> Engine:
    try:
        return _ENGINES[name]
    except KeyError:
        raise ValueError(f"there is no engine {name!r}; the engines are {', '.join(_ENGINES)}") from None
