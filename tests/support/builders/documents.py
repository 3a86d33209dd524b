# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents with anything in them, for property tests."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

Path = tuple[str | int, ...]


def any_json() -> st.SearchStrategy[Any]:
    """Any value that JSON can hold."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
    )


def paths(document: Any, start: Path = ()) -> Iterator[Path]:
    """Yield the path of each field, at any depth."""
    items: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(document, dict):
        items = iter(document.items())
    elif isinstance(document, list):
        items = iter(enumerate(document))
    for key, value in items:
        yield (*start, key)
        yield from paths(value, (*start, key))


def with_value(document: Any, path: Path, value: Any) -> Any:
    """Return the document with another value at a path."""
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def refusal_of(read: Callable[[], object]) -> GantryError | None:
    """Return the error that a call raises, or None if it succeeds; any other exception is a bug."""
    try:
        read()
    except GantryError as error:
        return error
    return None
