"""The fields of a request body, one by one, refused in the words that were recorded."""

from __future__ import annotations

from typing import Any

from kalshi_tui.practice.calls import bad_request, kind_of, refuse
from kalshi_tui.practice.refusals import INVALID_PRICE, INVALID_SIZE, Refusal
from kalshi_tui.protocol.units import Count, Price, UnitError, parse_count, parse_decimal, parse_price

_GO_TYPES = {str: "string", int: "int64", bool: "bool"}
_SUBACCOUNT_UNKNOWN = Refusal(400, "invalid_subaccount", "invalid subaccount")
"""Code invented. The practice account has its primary subaccount only."""


class Fields:
    """Typed reads of a JSON object. A missing optional field is its type's zero; 400 otherwise."""

    def __init__(self, struct: str, raw: dict[str, Any]) -> None:
        self._struct = struct
        self._raw = raw

    def _read(self, name: str, kind: type) -> Any:
        value = self._raw.get(name)
        right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        if value is None or right:
            return value
        raise bad_request(
            f"json: cannot unmarshal {kind_of(value)} into Go struct field "
            f"{self._struct}.{name} of type {_GO_TYPES[kind]}"
        )

    def text(self, name: str, *, required: bool = False) -> str:
        value: str = self._read(name, str) or ""
        if required and not value:
            raise self._invalid(name, "required")
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, required=True)
        if value not in allowed:
            raise self._invalid(name, "oneof")
        return value

    def flag(self, name: str) -> bool:
        return bool(self._read(name, bool))

    def integer(self, name: str) -> int | None:
        value: int | None = self._read(name, int)
        return value

    def price(self, name: str) -> Price:
        text = self.text(name, required=True)
        self._decimal(name, text)
        try:
            return parse_price(text)
        except UnitError:
            raise refuse(INVALID_PRICE) from None

    def count(self, name: str) -> Count:
        text = self.text(name, required=True)
        self._decimal(name, text)
        try:
            return parse_count(text)
        except UnitError:
            raise refuse(INVALID_SIZE) from None

    def optional_count(self, name: str) -> Count | None:
        return self.count(name) if self.text(name) else None

    def not_primary(self) -> Refusal | None:
        """Why a named subaccount can not be used."""
        return _SUBACCOUNT_UNKNOWN if self.integer("subaccount") else None

    def _decimal(self, name: str, text: str) -> None:
        try:
            parse_decimal(text, 6)
        except UnitError:
            raise bad_request(f"{self._struct}.{name}: {text[:40]!r} is not a fixed-point decimal") from None

    def _invalid(self, name: str, tag: str) -> Exception:
        go_name = "".join(part.capitalize() for part in name.split("_"))
        key = f"Key: '{self._struct}.{go_name}'"
        return bad_request(f"{key} Error:Field validation for '{go_name}' failed on the '{tag}' tag")
