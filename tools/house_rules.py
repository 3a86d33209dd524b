# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the structure of plugins/: floors, file names, what a step may import, class names.

docs/developers/architecture.md explains them. Each rule returns its breaches as lines "path:line: message".
python -m tools.house_rules prints them all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from devkit.console import ROOT, main_guard, say
from tools import message_rules
from tools.architecture import DOMAINS, FLOOR_OF, MODULE_UTILS, Import, imports, upward

# Files that only hold data, or pure functions over it; every step may import them.
_DATA = frozenset({"model", "changes", "options"})
# What each step may import of steps, besides data and helpers. A step may always import its own parts.
_STEPS: dict[str, frozenset[str]] = {
    "options": frozenset(),
    "model": frozenset(),
    "desire": frozenset(),
    "resolve": frozenset(),
    "observe": frozenset({"resolve", "decode", "target"}),
    "decode": frozenset(),
    "target": frozenset({"encode"}),
    "plan": frozenset({"target"}),
    "changes": frozenset({"target"}),
    "encode": frozenset({"target"}),
    "apply": frozenset({"observe", "decode", "encode", "target"}),
    "result": frozenset(),
    "operation": frozenset(
        {"options", "desire", "resolve", "observe", "decode", "target", "plan", "changes", "encode", "apply", "result"}
    ),
}
_PURE = frozenset(_STEPS) - {"observe", "apply", "operation"}
# Modules that do input and output. Pure steps may name their types, but not import them at run time.
_IO_MODULES = frozenset(
    {
        "session",
        "task_runner",
        "updates",
        "transfer",
        "connection",
        "stub",
        "waiter",
        "session_cache",
        "collector",
        "clock",
    }
)
_IO_LIBRARIES = frozenset({"socket", "subprocess", "ssl", "http", "urllib", "threading", "requests"})
# Further files of domain packages: pure helpers that several steps share, each with a reason to exist.
_HELPERS: dict[str, frozenset[str]] = {
    "_address_pool": frozenset({"holders"}),
    "_access": frozenset({"lockout", "presets", "privileges"}),
    "_bootstrap": frozenset({"iso"}),
    "_cluster_info": frozenset({"capacity"}),
    "_container": frozenset({"drift", "env_file", "guest_access", "hints"}),
    "_container_copy": frozenset({"extract"}),
    "_container_exec": frozenset({"guest"}),
    "_drs_rules": frozenset({"compliance", "conflicts"}),
    "_image": frozenset({"import_locks", "template"}),
    "_maintenance": frozenset({"blockers", "capacity", "report", "template_moves"}),
    "_vmotion": frozenset({"handles", "limits", "report"}),
}
# What each directory of development code may import of the others.
_DEVELOPMENT: dict[str, frozenset[str]] = {
    "devkit": frozenset(),
    "guest": frozenset({"devkit"}),
    "lab": frozenset({"devkit", "guest"}),
    "compose": frozenset({"devkit", "guest"}),
    "tools": frozenset({"compose", "devkit", "guest", "lab"}),
}
# Ansible demands these names in each plugin.
_ANSIBLE_CLASSES = frozenset({"ActionModule", "InventoryModule", "ModuleDocFragment"})


def step_of(name: str) -> str | None:
    """Return the step that a file belongs to: apply_power is a part of apply; None for other files."""
    step = name.partition("_")[0]
    return step if step in _STEPS else None


def check_floors(root: Path) -> list[str]:
    """Return the imports that do not lead to a lower floor, and packages without a floor."""
    found = [
        f"{_path(one)}: {one.package} imports {one.target_package}, which is not on a lower floor"
        for one in upward(imports(root))
    ]
    packages = {path.parent.name for path in (root / MODULE_UTILS).glob("*/*.py")}
    found += [
        f"{MODULE_UTILS}/{package}:1: the package has no floor in tools/architecture.py"
        for package in sorted(packages - FLOOR_OF.keys())
    ]
    return found


def check_file_names(root: Path) -> list[str]:
    """Return the files of domain packages whose name is neither a step's nor a listed helper's."""
    return [
        f"{path.relative_to(root)}:1: {path.stem} is not a step; name it <step>_<noun>.py after what it is part of, or "
        "list it as a helper in tools/house_rules.py"
        for package in sorted(DOMAINS)
        for path in sorted((root / MODULE_UTILS / package).glob("*.py"))
        if step_of(path.stem) is None and path.stem not in _HELPERS.get(package, ())
    ]


def check_package_files(root: Path) -> list[str]:
    """Return the __init__.py files of plugins; ansible-test of ansible-core 2.16 accepts only empty ones."""
    return [
        f"{path.relative_to(root)}:1: remove it, and describe the package in docs/developers/architecture.md"
        for path in sorted((root / "plugins").rglob("__init__.py"))
    ]


def check_step_imports(root: Path) -> list[str]:
    """Return the imports of a step by another that must not know it."""
    found = []
    for one in imports(root):
        step, target = step_of(one.file), step_of(one.target_file)
        if one.package not in DOMAINS or one.target_package not in DOMAINS or step is None or target is None:
            continue
        if target in _DATA or target == step or target in _STEPS[step]:
            continue
        found.append(
            f"{_path(one)}: {one.file} imports the step {one.target_package}/{one.target_file}; a step imports data "
            "(model, changes, options), not other steps"
        )
    return found


def check_pure_steps(root: Path) -> list[str]:
    """Return the imports of input and output by pure steps."""
    found = []
    for package in sorted(DOMAINS):
        for path in sorted((root / MODULE_UTILS / package).glob("*.py")):
            if step_of(path.stem) not in _PURE:
                continue
            for line, module in _runtime_imports(ast.parse(path.read_text())):
                package_of, _dot, file = module.rpartition(".")
                if module.partition(".")[0] in _IO_LIBRARIES or (
                    package_of.endswith("_vcenter") and file in _IO_MODULES
                ):
                    found.append(f"{path.relative_to(root)}:{line}: the pure step {path.stem} imports {module}")
    return found


def check_pyvmomi(root: Path) -> list[str]:
    """Return the imports of pyVmomi outside of _vcenter."""
    found = []
    for path in sorted((root / "plugins").rglob("*.py")):
        if path.parent.name == "_vcenter":
            continue
        for line, module in _all_imports(ast.parse(path.read_text())):
            if module.partition(".")[0] in ("pyVmomi", "pyVim"):
                found.append(f"{path.relative_to(root)}:{line}: only _vcenter imports {module}; use _vcenter.pyvmomi")
    return found


def check_class_names(root: Path) -> list[str]:
    """Return class names that stand for two things, and operations that are not named after their module."""
    found = []
    first: dict[str, str] = {}
    for path in sorted((root / "plugins").rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or node.name in _ANSIBLE_CLASSES:
                continue
            place = f"{path.relative_to(root)}:{node.lineno}"
            if node.name in first:
                found.append(f"{place}: there is a class {node.name} in {first[node.name]} too")
            first.setdefault(node.name, place)
            module = _module_name(node)
            if module is not None and node.name != _camel(module):
                found.append(f"{place}: the operation of {module} must be called {_camel(module)}")
    return found


def check_development_imports(root: Path) -> list[str]:
    """Return the imports of development code that do not lead downward: devkit, guest, lab, tools."""
    found = []
    for directory, allowed in _DEVELOPMENT.items():
        for path in sorted((root / directory).rglob("*.py")):
            for line, module in _all_imports(ast.parse(path.read_text())):
                target = module.partition(".")[0]
                if target in (*_DEVELOPMENT, "tests", "benchmarks") and target not in allowed | {directory}:
                    found.append(f"{path.relative_to(root)}:{line}: {directory} must not import {target}")
    return found


CHECKS = (
    check_development_imports,
    check_floors,
    check_file_names,
    check_package_files,
    check_step_imports,
    check_pure_steps,
    check_pyvmomi,
    check_class_names,
)


def main() -> int:
    found = [problem for rule in (*CHECKS, message_rules.check_messages) for problem in rule(ROOT)]
    for problem in found:
        say(problem)
    return 1 if found else 0


def _path(one: Import) -> str:
    return f"{MODULE_UTILS}/{one.package}/{one.file}.py:{one.line}"


def _camel(module: str) -> str:
    return "".join(word.capitalize() for word in module.split("_"))


def _module_name(node: ast.ClassDef) -> str | None:
    """Return the module that an operation class says it is for."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            (target,) = statement.targets
            if (
                isinstance(target, ast.Name)
                and target.id == "name"
                and re.fullmatch("[a-z_]+", str(statement.value.value))
            ):
                return str(statement.value.value)
    return None


def _all_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def _runtime_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the imports that are carried out: not those for types only."""
    for node in tree.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield from _all_imports(node)


if __name__ == "__main__":
    main_guard(main)
