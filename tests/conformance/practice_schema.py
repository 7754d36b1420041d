"""The official specifications as a judge: what in a body is missing, wrong or unheard of."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


@lru_cache(maxsize=2)
def load(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with gzip.open(path, "rb") as file:
        spec: dict[str, Any] = yaml.load(file, Loader=loader)
    return spec


class Judge:
    """Checks values against the schemas of one specification."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self.schemas: dict[str, Any] = spec["components"]["schemas"]

    def faults(self, value: object, schema: dict[str, Any], where: str = "$") -> list[str]:
        schema = self._resolved(schema)
        if value is None and (schema.get("nullable") or "null" in _listed(schema.get("type"))):
            return []
        kinds = _listed(schema.get("type"))
        if kinds and not any(_is(value, kind) for kind in kinds):
            return [f"{where}: {value!r} is not {' or '.join(kinds)}"]
        wrong = []
        if "enum" in schema and value not in schema["enum"]:
            wrong.append(f"{where}: {value!r} is none of {schema['enum']}")
        if "const" in schema and value != schema["const"]:
            wrong.append(f"{where}: {value!r} is not {schema['const']!r}")
        if isinstance(value, list) and "items" in schema:
            for number, item in enumerate(value):
                wrong += self.faults(item, schema["items"], f"{where}[{number}]")
        if isinstance(value, dict) and "properties" in schema:
            wrong += self._object_faults(value, schema, where)
        return wrong

    def _object_faults(self, value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
        wrong = [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            if name not in schema["properties"]:
                wrong.append(f"{where}.{name} is in no specification")
            else:
                wrong += self.faults(item, schema["properties"][name], f"{where}.{name}")
        return wrong

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            found: Any = self._spec
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            # Words beside a reference (``nullable``) count too.
            beside = {key: item for key, item in schema.items() if key != "$ref"}
            return {**self._resolved(found), **beside}
        if "allOf" in schema:
            merged: dict[str, Any] = {key: item for key, item in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = {**self._resolved(part), **merged}
            return merged
        return schema


def _listed(kinds: str | list[str] | None) -> list[str]:
    return [kinds] if isinstance(kinds, str) else list(kinds or [])


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])
