# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the messages that users see: whole sentences, with a full stop.

They are held for every text that is written where an error is made: GantryError and what derives from it. A text that
is built elsewhere is held where it is written, if it is handed over by a plain string.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_ERRORS = re.compile(r"[A-Z]\w*Error")
# Errors of Python itself and of the tools, which no user of the collection sees.
_NOT_SHOWN = frozenset({"ValueError", "TypeError", "RuntimeError", "KeyError", "NotImplementedError", "AssertionError"})
# Errors that make a sentence of what they are given.
_COMPLETE = frozenset({"FaultError"})
# Names that are written with a small letter first.
_PRODUCTS = frozenset({"vCenter", "vSphere", "vSAN", "vMotion", "skopeo"})
_MARK = "\0"


def check_messages(root: Path) -> list[str]:
    """Return the messages in plugins/ that are not whole sentences."""
    names = _option_names(root)
    found = []
    for path in sorted((root / "plugins").rglob("*.py")):
        for line, text in _messages(ast.parse(path.read_text())):
            problem = _problem(text, names)
            if problem:
                shown = text.replace(_MARK, "{}")
                found.append(f"{path.relative_to(root)}:{line}: {problem}: {shown!r}")
    return found


def _problem(text: str, names: frozenset[str]) -> str | None:
    """Return what is wrong with a message. A mark stands for a value that is put in."""
    if not _ends(text):
        return "the message does not end with a full stop"
    first = re.match(r"[\w.]*", text)
    word = first.group() if first else ""
    if text[:1].islower() and not _may_begin(word, names):
        return f"the message begins with {word!r}, which is neither a capital letter nor the name of an option"
    return None


def _ends(text: str) -> bool:
    """Return whether the last sentence is whole. A value after it may be a further sentence."""
    return text.rstrip().removesuffix(_MARK).rstrip().endswith(".")


def _may_begin(word: str, names: frozenset[str]) -> bool:
    """Return whether a message may begin with this lower-case word: an option's name or path, or a product."""
    return word.partition(".")[0] in names or word in _PRODUCTS


def _messages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _is_shown(node.func):
            text = _text(node.args[0])
            if text is not None:
                yield node.lineno, text


def _is_shown(function: ast.expr) -> bool:
    """Return whether the call makes an error that a user sees."""
    name = function.id if isinstance(function, ast.Name) else ""
    return _ERRORS.fullmatch(name) is not None and name not in _NOT_SHOWN | _COMPLETE


def _text(node: ast.expr) -> str | None:
    """Return a string that is written here, with a mark for each value put in; None for other expressions."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else _MARK for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{left or _MARK}{right or _MARK}"
    return None


@cache
def _option_names(root: Path) -> frozenset[str]:
    """Return the names of all options and suboptions that modules and other plugins document."""
    found: set[str] = set()
    for folder in ("modules", "inventory", "lookup", "doc_fragments"):
        for path in (root / "plugins" / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "options:" in node.value:
                    found |= set(_names(yaml.safe_load(node.value)))
    return frozenset(found)


def _names(document: Any) -> Iterator[str]:
    for key in ("options", "suboptions"):
        options = document.get(key) if isinstance(document, dict) else None
        for name, option in (options or {}).items():
            yield name
            yield from _names(option)
