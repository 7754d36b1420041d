"""The ``[engines]`` section, made from the engines' own parameter models so that it can never disagree with
them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar

import msgspec
from pydantic import Field, create_model, field_validator, model_validator

from kalshi_tui.config_models import Section
from kalshi_tui.pricing.snapshot import QuoteParams
from kalshi_tui.protocol.text import safe_text, safe_ticker


class Engines(Section):
    """Which engine new markets start with, and the parameters of each."""

    default: str = "m0"
    """The engine a market starts with: m0, m1, m2 or m3."""
    markets: dict[str, str] = Field(default={})
    """Engines of their own by ticker, event or series, e.g. KXCPI = "m3" (a ticker with a dot in quotes).
    The most particular one counts."""
    calibrations: list[str] = Field(default=[])
    """Files of `kalshi-tui calibrate`, e.g. ["~/gold-m1.json"]. Each serves the series and price grid it was
    measured on; a refused one is an error."""

    @field_validator("default")
    @classmethod
    def _known(cls, name: str) -> str:
        known = tuple(engine for engine in cls.model_fields if engine not in Engines.model_fields)
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return name

    @field_validator("markets")
    @classmethod
    def _known_each(cls, markets: dict[str, str]) -> dict[str, str]:
        known = [engine for engine in cls.model_fields if engine not in Engines.model_fields]
        for ticker, name in markets.items():
            try:
                safe_ticker(ticker)
            except ValueError:
                raise ValueError(f"{safe_text(ticker, 40)} is no ticker, event or series") from None
            if name not in known:
                raise ValueError(f"{ticker} was {safe_text(name, 40)!r}; expected one of {', '.join(known)}")
        return markets

    def params(self) -> dict[str, QuoteParams]:
        """The validated parameters of every engine, by name."""
        names = (name for name in type(self).model_fields if name not in Engines.model_fields)
        return {name: getattr(self, name).struct() for name in names}


class EngineSection(Section):
    """Parameters of one engine; ``params_type`` is the engine's own frozen, checked model."""

    params_type: ClassVar[type[QuoteParams]]

    def struct(self) -> QuoteParams:
        return self.params_type(**{name: getattr(self, name) for name in type(self).model_fields})

    @model_validator(mode="after")
    def _checked_by_the_engine(self) -> EngineSection:
        self.struct()
        return self


@cache
def engines_section(params: tuple[tuple[str, type[QuoteParams]], ...]) -> type[Engines]:
    """The section for these engines: ``(name, parameter model)`` pairs in the order they are shown."""
    tables: dict[str, Any] = {}
    for name, params_type in params:
        docs = field_docs(params_type)
        fields: dict[str, Any] = {}
        for field in msgspec.structs.fields(params_type):
            fields[field.name] = (field.type, Field(default=field.default, description=docs.get(field.name)))
        section = create_model(
            f"{name.upper()}Section", __base__=EngineSection, __doc__=params_type.__doc__, **fields
        )
        section.params_type = params_type
        tables[name] = (section, section())
    return create_model("EnginesSection", __base__=Engines, __doc__=Engines.__doc__, **tables)


def field_docs(cls: type) -> dict[str, str]:
    """The string under each annotated field of a class, as ``config.example.toml`` prints it."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for field, text in pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                docs[field.target.id] = inspect.cleandoc(text.value.value)
    return docs
