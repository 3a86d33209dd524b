# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the programs that Python and Go sources start, and the files of the system that they name, without running them.

A program is found where its name is written: in the call, in what the call's variable was assigned, or in what the
function returns that the call asks for its command.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# Functions whose first argument is a command: those of the standard library, of Ansible, and the repository's own.
_STARTERS = frozenset(("Popen", "call", "check_call", "check_output", "run", "run_bytes", "run_command", "spawn"))
# Functions whose first argument is the name of a program.
_FINDERS = frozenset(("execvp", "get_bin_path", "which"))
_PROGRAM = re.compile(r"[a-z][\w.+-]*")
_SYSTEM_FILE = re.compile(r"/(?:bin|sbin|usr/(?:bin|lib|sbin|share))/")
_GO_STARTER = re.compile(r'\bexec\.(?:Command|LookPath)\(("[\w.+-]+"|\w+)')
_GO_CONSTANT = re.compile(r'^\s*(?:const\s+)?(\w+)\s*=\s*"([^"\n]+)"', re.MULTILINE)
_GO_FUNCTION = re.compile(r"^func (?:\([^)]*\) )?(\w+)\(.*?^}$", re.MULTILINE | re.DOTALL)


def of_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each program that a Python source starts."""
    tree = ast.parse(source)
    values = _values(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function, argument = _name(node.func), node.args[0]
        if function in _FINDERS:
            yield from ((node.lineno, program) for program in _texts(argument, values))
        elif function in _STARTERS:
            for first in _first_words(argument, values, frozenset()):
                yield from ((node.lineno, program) for program in _texts(first, values))


def _values(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """Return what is assigned to each name anywhere in the source, and as "name()" what each function returns."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                values.setdefault(_name(target), []).append(node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            values.setdefault(_name(node.target), []).append(node.value)
        elif isinstance(node, ast.FunctionDef):
            returned = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value]
            values.setdefault(f"{node.name}()", []).extend(returned)
    return values


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return f"{_name(node.func)}()"
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _first_words(node: ast.expr, values: dict[str, list[ast.expr]], seen: frozenset[str]) -> Iterator[ast.expr]:
    """Yield the first word of each command that the expression can be."""
    if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
        first = node.elts[0]
        if isinstance(first, ast.Starred):
            yield from _first_words(first.value, values, seen)
        else:
            yield first
    elif isinstance(node, ast.BinOp):
        yield from _first_words(node.left, values, seen)
    elif _name(node) and _name(node) not in seen:
        for value in values.get(_name(node), []):
            yield from _first_words(value, values, seen | {_name(node)})


def _texts(word: ast.expr, values: dict[str, list[ast.expr]]) -> list[str]:
    """Return the names of programs that a word can be; none where it is only known when the program runs."""
    words = [word, *values.get(_name(word), [])]
    for item in list(words):
        if isinstance(item, ast.Subscript):
            tables = (table for table in values.get(_name(item.value), []) if isinstance(table, ast.Dict))
            words += [value for table in tables for value in table.values]
    texts = [item.value for item in words if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return [text for text in texts if _PROGRAM.fullmatch(text)]


def files_of_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and path of each file of the system that a Python source names as Path("/usr/...")."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) == "Path" and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and _SYSTEM_FILE.match(str(argument.value)):
                yield node.lineno, str(argument.value)


def files_of_go(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and path of each file of the system that is a constant of a Go source."""
    for match in _GO_CONSTANT.finditer(source):
        if _SYSTEM_FILE.match(match.group(2)):
            yield source.count("\n", 0, match.start(2)) + 1, match.group(2)


def of_go(package: dict[str, str]) -> Iterator[tuple[str, int, str]]:
    """Yield file, line and name of each program that a Go package starts; package: its sources by file."""
    constants = {name: value for source in package.values() for name, value in _GO_CONSTANT.findall(source)}
    helpers = sorted({name for source in package.values() for name in _go_helpers(source, constants)})
    call = re.compile(rf'(?<!func )\b(?:{"|".join(helpers)})\((?:t, )?"([\w.+-]+)"') if helpers else None
    for file, source in package.items():
        for number, line in enumerate(source.splitlines(), start=1):
            words = _GO_STARTER.findall(line)
            found = [word.strip('"') if word.startswith('"') else constants.get(word, "") for word in words]
            found += call.findall(line) if call else []
            yield from ((file, number, program) for program in found if program)


def _go_helpers(source: str, constants: dict[str, str]) -> Iterator[str]:
    """Yield the functions that start a program which they are given by name."""
    for function in _GO_FUNCTION.finditer(source):
        words = _GO_STARTER.findall(function.group())
        if any(not word.startswith('"') and word not in constants for word in words):
            yield function.group(1)
