# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON documents from untrusted sources: parsed strictly, then read field by field with each field's type checked.

A document can contain anything, so no field is used before its type is checked. A field of another
type raises GantryError with the field's path, such as ``config.Healthcheck.Test[1]``. As with Go's decoder, which the
container tools use, a field that is null counts as missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_DEEPEST = 100
_INT64 = 1 << 63
_SHOWN = 40
_KINDS = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}

T = TypeVar("T")


class Document:
    """One JSON object of a document; the methods return a field, or None if it is missing or null."""

    def __init__(
        self, fields: Mapping[str, Any], subject: str, details: Mapping[str, Any] | None = None, path: str = ""
    ) -> None:
        """``subject`` begins the error messages: "The configuration of the image 'x'"."""
        self.fields = fields
        self._subject = subject
        self._details = dict(details or {})
        self._path = path

    def __contains__(self, key: str) -> bool:
        return self.fields.get(key) is not None

    def text(self, key: str) -> str | None:
        """Return a string."""
        value = self.fields.get(key)
        return None if value is None else self._text(value, key)

    def integer(self, key: str, *, least: int = -_INT64) -> int | None:
        """Return a whole number of 64 bits."""
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self._mismatch(key, value, "a whole number")
        if not least <= value < _INT64:
            self._mismatch(key, value, f"a whole number of 64 bits and at least {least}")
        return value

    def boolean(self, key: str) -> bool | None:
        """Return true or false."""
        value = self.fields.get(key)
        if value is not None and not isinstance(value, bool):
            self._mismatch(key, value, "true or false")
        return value

    def texts(self, key: str) -> list[str] | None:
        """Return a list of strings."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self._mismatch(key, value, "a list of strings")
        return [self._text(item, f"{key}[{index}]") for index, item in enumerate(value)]

    def text_map(self, key: str) -> dict[str, str] | None:
        """Return an object whose values are strings."""
        value = self._mapping(key, "an object of strings")
        return (
            None
            if value is None
            else {name: self._text(item, f"{key}[{_shown(name)}]") for name, item in value.items()}
        )

    def name_set(self, key: str) -> set[str] | None:
        """Return the keys of an object that stands for a set in Go: its values are empty objects."""
        value = self._mapping(key, "an object")
        for name, item in (value or {}).items():
            if item is not None and not isinstance(item, dict):
                self._mismatch(f"{key}[{_shown(name)}]", item, "an object")
        return None if value is None else set(value)

    def child(self, key: str) -> Document | None:
        """Return the document of an object."""
        value = self._mapping(key, "an object")
        return None if value is None else self._below(value, key)

    def children(self, key: str) -> list[Document] | None:
        """Return the documents of a list of objects."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self._mismatch(key, value, "a list of objects")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self._mismatch(f"{key}[{index}]", item, "an object")
        return [self._below(item, f"{key}[{index}]") for index, item in enumerate(value)]

    def required(self, key: str, read: Callable[[str], T | None]) -> T:
        """Return a required field: ``document.required("size", document.integer)``."""
        value = read(key)
        if value is None:
            self.refuse(key, "is missing")
        return value

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Raise GantryError for a field: ``reason`` continues "its field x"."""
        path = self._field(key)
        raise GantryError(
            f"{self._subject} cannot be used: its field {path} {reason}.", details={**self._details, "field": path}
        )

    def _text(self, value: Any, key: str) -> str:
        if not isinstance(value, str):
            self._mismatch(key, value, "a string")
        return value

    def _mapping(self, key: str, expected: str) -> dict[str, Any] | None:
        value = self.fields.get(key)
        if value is not None and not isinstance(value, dict):
            self._mismatch(key, value, expected)
        return value

    def _below(self, fields: Mapping[str, Any], key: str) -> Document:
        return Document(fields, self._subject, self._details, self._field(key))

    def _field(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _mismatch(self, key: str, value: Any, expected: str) -> NoReturn:
        self.refuse(key, f"is {_describe(value)} and must be {expected}")


def parse_document(raw: bytes | str, subject: str, details: Mapping[str, Any] | None = None) -> Document:
    """Parse a JSON object; raise a GantryError that begins with ``subject`` if it is not one."""
    try:
        value = _checked(json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite), 0)
    except (ValueError, RecursionError):
        raise GantryError(f"{subject} cannot be used: it is not valid JSON.", details=details) from None
    if not isinstance(value, dict):
        raise GantryError(f"{subject} cannot be used: it is not a JSON object.", details=details)
    return Document(value, subject, details)


def _refuse_constant(name: str) -> NoReturn:
    # Python reads and writes NaN and Infinity, which are not JSON.
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _checked(value: Any, depth: int) -> Any:
    """Return the value with each unpaired surrogate replaced, as Go does: UTF-8 cannot encode one."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, list):
        return [_checked(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _checked(item, depth + 1) for key, item in value.items()}
    return value


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else f"{_KINDS[type(value)]} ({_shown(value)})"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
