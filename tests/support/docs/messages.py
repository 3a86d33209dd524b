# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find messages in the sources of the collection. A value that is put in is a mark, in sources and in pages alike."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

MARK = "\0"
_PLACEHOLDER = re.compile(r"<[^<>]+>")
_FORMAT_FIELD = re.compile(r"\{\w*\}")
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
# In Jinja: a comment; an argument of join; literals joined with a value or without one; a literal.
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_SEPARATOR = re.compile(r"\('[^']{0,3}'\)")
_JOINED_WITH_VALUE = re.compile(r"'\s*~[^']*?~\s*'")
_JOINED = re.compile(r"'\s*(?:~\s*)?'")
_LITERAL = re.compile(r"'([^']*)'")
_WORD = re.compile(r"\w{2,}")
# Fewer words would be found in messages that are meant for something else.
LEAST_WORDS = 3


def texts(folder: Path) -> frozenset[str]:
    """Return all texts that the Python files of a folder put together, each whole."""
    return frozenset(text for path in folder.rglob("*.py") for text in _texts(ast.parse(path.read_text())))


def role_texts(folder: Path) -> frozenset[str]:
    """Return all texts in the YAML files and templates of a folder of roles, and the literals in their expressions."""
    whole = [text for path in folder.rglob("*.yml") for text in _strings(yaml.safe_load(path.read_text()))]
    templates = [_COMMENT.sub("", path.read_text()) for path in folder.rglob("*.j2")]
    literals = [part for text in (*whole, *templates) for part in _literals(text)]
    return frozenset(_marked(_TEMPLATE.sub(MARK, text)) for text in (*whole, *literals))


def known(message: str, sources: Iterable[str]) -> bool:
    """Return whether a message of a page is in a text of the sources, word for word, with a mark for each <value>."""
    wanted = _marked(_PLACEHOLDER.sub(MARK, message))
    return any(wanted in text for text in sources)


def is_specific(message: str) -> bool:
    """Return whether so much of a message is fixed that it identifies a place in the sources."""
    return len(_WORD.findall(_PLACEHOLDER.sub(" ", message))) >= LEAST_WORDS


def _strings(value: Any) -> Iterator[str]:
    """Yield all texts of a YAML document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _literals(text: str) -> list[str]:
    return _LITERAL.findall(_JOINED.sub("", _JOINED_WITH_VALUE.sub(MARK, _SEPARATOR.sub("()", text))))


def _texts(node: ast.AST) -> Iterator[str]:
    text = _text(node)
    if text is not None:
        yield _marked(text)
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


def _text(node: ast.AST) -> str | None:
    """Return a text that is written here, with a mark for each value; None for what is no text."""
    if isinstance(node, ast.Constant):
        return _FORMAT_FIELD.sub(MARK, node.value) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else MARK for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{left or MARK}{right or MARK}"
    return None


def _marked(text: str) -> str:
    """Return the text with one space between words, and one mark for values that follow each other."""
    return re.sub(f"{MARK}+", MARK, " ".join(text.split()))
