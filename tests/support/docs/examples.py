# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check example YAML as Ansible would, without running it: keywords, modules, their options, roles and their variables.

`ansible-playbook --syntax-check` does not look at options. Here each task of a module of this collection is validated
by the argument spec of the module and by its first step, which needs no vCenter.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec
from ansible_collections.gantry.vsphere.plugins.plugin_utils.parameters import validate
from devkit.console import ROOT
from tests.support.docs.compose_examples import compose_problems, is_compose_file, with_project
from tests.support.docs.templated import has_template, without_templates

COLLECTION = "gantry.vsphere"
CONNECTION = {"hostname": "vcenter.example.com", "username": "user", "password": "secret"}
_TASK_KEYWORDS = set(Task.fattributes)
_BLOCK_KEYWORDS = set(Block.fattributes)
_PLAY_KEYWORDS = set(Play.fattributes)
_SECTIONS = ("pre_tasks", "roles", "tasks", "post_tasks", "handlers")
_ROLE_ACTIONS = ("ansible.builtin.include_role", "ansible.builtin.import_role")


def problems(document: Any, root: Path = ROOT, variables: frozenset[str] = frozenset()) -> list[str]:
    """Return what is wrong with a parsed YAML document: a playbook, tasks, an inventory, or variables.

    Variables must be of a role of this collection, or among those given.
    """
    return list(_Checker(root, variables).document(document))


def operation(name: str) -> Operation[Any, Any, Any]:
    """Return the operation of a module of this collection."""
    plugin = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.action.{name}")
    found: Operation[Any, Any, Any] = plugin.ActionModule.operation
    return found


class _Checker:
    def __init__(self, root: Path, known: frozenset[str]) -> None:
        self.root = root
        self.known = known

    def document(self, document: Any) -> Iterator[str]:
        if isinstance(document, list):
            for entry in document:
                yield from self._entry(entry)
        elif not isinstance(document, Mapping):
            yield f"{document!r} is neither a playbook nor variables"
        elif is_compose_file(document):
            yield from compose_problems(document)
        elif "plugin" in document:
            yield from _inventory_source(document)
        elif set(document) <= {"collections", "roles"}:
            return
        elif all(isinstance(value, Mapping | None) and set(value or ()) <= _GROUP for value in document.values()):
            for group in document.values():
                yield from self._group(group or {})
        else:
            yield from self._variables(document, strict=True)

    def _entry(self, entry: Any) -> Iterator[str]:
        if not isinstance(entry, Mapping):
            yield f"{entry!r} is neither a play nor a task"
        elif "ansible.builtin.import_playbook" in entry:
            yield from self._playbook(str(entry["ansible.builtin.import_playbook"]))
        elif "hosts" in entry:
            yield from self._play(entry)
        else:
            yield from self._task(entry)

    def _playbook(self, name: str) -> Iterator[str]:
        collection, _dot, short = name.rpartition(".")
        if collection == COLLECTION and not (self.root / "playbooks" / f"{short}.yml").is_file():
            yield f"there is no playbook {name}"

    def _play(self, play: Mapping[str, Any]) -> Iterator[str]:
        for keyword in play.keys() - _PLAY_KEYWORDS:
            yield f"{keyword} is not a keyword of a play"
        yield from _module_defaults(play)
        yield from self._variables(play.get("vars") or {})
        for section in _SECTIONS:
            for entry in play.get(section) or ():
                yield from self._role(entry) if section == "roles" else self._task(entry)

    def _role(self, entry: Any) -> Iterator[str]:
        role = {"role": entry} if isinstance(entry, str) else entry
        yield from self._role_variables(role.get("role", ""), {**role, **(role.get("vars") or {})})

    def _task(self, task: Mapping[str, Any]) -> Iterator[str]:
        yield from _module_defaults(task)
        if "block" in task:
            for keyword in task.keys() - _BLOCK_KEYWORDS:
                yield f"{keyword} is not a keyword of a block"
            for section in ("block", "rescue", "always"):
                for entry in task.get(section) or ():
                    yield from self._task(entry)
            return
        actions = [key for key in task if key not in _TASK_KEYWORDS and not key.startswith("with_")]
        if len(actions) != 1:
            yield f"the task {task.get('name')!r} has not one module but: {', '.join(actions) or 'none'}"
            return
        (name,) = actions
        if name in _ROLE_ACTIONS:
            yield from self._role_variables(task[name].get("name", ""), task.get("vars") or {})
        else:
            yield from _module(name, task[name])

    def _group(self, group: Mapping[str, Any]) -> Iterator[str]:
        """Check the variables of a group of an inventory, its hosts and its children."""
        yield from self._variables(group.get("vars") or {})
        for variables in (group.get("hosts") or {}).values():
            yield from self._variables(variables or {})
        for child in (group.get("children") or {}).values():
            yield from self._group(child or {})

    def _variables(self, variables: Mapping[str, Any], *, strict: bool = False) -> Iterator[str]:
        """Check variables by the roles that they belong to. Strict: each must belong to a role."""
        roles = sorted(path.name for path in (self.root / "roles").glob("*"))
        for name in roles:
            of_role = {key: value for key, value in variables.items() if key.startswith(f"{name}_")}
            if of_role:
                yield from self._role_variables(f"{COLLECTION}.{name}", of_role)
        if strict:
            for key in variables:
                if key not in self.known and not key.startswith((*(f"{name}_" for name in roles), "vault_")):
                    yield f"{key} is a variable of no role of this collection, and nothing on the page uses it"

    def _role_variables(self, name: str, variables: Mapping[str, Any]) -> Iterator[str]:
        """Check variables of a role. What is not among them may come from elsewhere, such as the inventory."""
        collection, _dot, short = name.rpartition(".")
        if collection != COLLECTION:
            return
        path = self.root / "roles" / short / "meta" / "argument_specs.yml"
        if not path.is_file():
            yield f"there is no role {name}"
            return
        options = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
        spec = {key: {**option, "required": False} for key, option in _plain(options).items()}
        given = {key: value for key, value in variables.items() if key.startswith(f"{short}_")}
        checked = ArgumentSpecValidator(spec).validate(without_templates(given, spec))
        yield from (f"{name}: {message}" for message in checked.error_messages)


_GROUP = frozenset({"hosts", "children", "vars"})
# What the validator knows; argument_specs.yml has descriptions too.
_SPEC = frozenset({"type", "elements", "choices", "default", "required", "options", "aliases", "no_log"})


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return documented options, of argument_specs.yml or of a plugin, as an argument spec."""
    plain = {}
    for name, option in options.items():
        plain[name] = {key: value for key, value in option.items() if key in _SPEC}
        suboptions = option.get("options") or option.get("suboptions")
        if suboptions:
            plain[name]["options"] = _plain(suboptions)
    return plain


def _module(name: str, options: Any) -> Iterator[str]:
    collection, _dot, short = name.rpartition(".")
    if collection == COLLECTION:
        if not (ROOT / "plugins" / "modules" / f"{short}.py").is_file():
            yield f"there is no module {name}"
        else:
            yield from (f"{name}: {problem}" for problem in _task_options(operation(short), options or {}))
    elif collection == "ansible.builtin":
        yield from _builtin(short, options)
    else:
        yield f"{name} is neither a module of this collection nor of ansible.builtin"


def _task_options(one: Operation[Any, Any, Any], options: Mapping[str, Any]) -> Iterator[str]:
    if one.name != "container_stack":
        yield from _options(one, options)
        return
    with with_project(options) as readable:
        yield from _options(one, readable)


def _options(one: Operation[Any, Any, Any], options: Mapping[str, Any]) -> Iterator[str]:
    given = without_templates({**CONNECTION, **options}, one.argument_spec)
    checked = validate(one, given)
    yield from checked.error_messages
    if not checked.error_messages and not has_template(options):
        try:
            one.desire(checked.validated_parameters)
        except GantryError as error:
            yield error.message


def _builtin(name: str, options: Any) -> Iterator[str]:
    known = _builtin_options(name)
    if known is None:
        yield f"there is no module ansible.builtin.{name}"
    elif known and isinstance(options, Mapping):
        for option in options.keys() - known:
            yield f"ansible.builtin.{name} has no option {option}"


@functools.cache
def _builtin_options(name: str) -> frozenset[str] | None:
    """Return the options of a module of ansible-core; None: there is no such module; empty: it takes any."""
    if importlib.util.find_spec(f"ansible.modules.{name}") is None:
        return None
    documentation = yaml.safe_load(importlib.import_module(f"ansible.modules.{name}").DOCUMENTATION)
    options: dict[str, Any] = documentation.get("options") or {}
    if name == "set_fact":
        return frozenset()
    return frozenset(options) | {alias for option in options.values() for alias in option.get("aliases", ())}


def _module_defaults(entry: Mapping[str, Any]) -> Iterator[str]:
    for name, options in (entry.get("module_defaults") or {}).items():
        if name == f"group/{COLLECTION}.all":
            known = _common_options()
        elif name.startswith(f"{COLLECTION}."):
            known = set(operation(name.rpartition(".")[2]).argument_spec)
        else:
            continue
        for option in options.keys() - known:
            yield f"module_defaults of {name} have the option {option}, which does not exist"


@functools.cache
def _common_options() -> set[str]:
    """Return the options that all modules have: Ansible gives the defaults of a group to each of them."""
    modules = (ROOT / "plugins" / "modules").glob("*.py")
    return set.intersection(*(set(operation(path.stem).argument_spec) for path in modules))


def _inventory_source(source: Mapping[str, Any]) -> Iterator[str]:
    collection, _dot, short = str(source["plugin"]).rpartition(".")
    if collection != COLLECTION or not (ROOT / "plugins" / "inventory" / f"{short}.py").is_file():
        yield f"there is no inventory plugin {source['plugin']}"
        return
    plugin = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.inventory.{short}")
    spec = {**connection_argument_spec(), **_plain(yaml.safe_load(plugin.DOCUMENTATION)["options"])}
    given = {name: value for name, value in source.items() if name not in _SHARED_INVENTORY_OPTIONS}
    checked = ArgumentSpecValidator(spec).validate(without_templates({**CONNECTION, **given}, spec))
    yield from (f"{source['plugin']}: {message}" for message in checked.error_messages)


# Of Ansible's fragments `constructed` and `inventory_cache`.
_SHARED_INVENTORY_OPTIONS = {
    *("strict", "compose", "groups", "keyed_groups", "use_extra_vars", "leading_separator"),
    *("cache", "cache_plugin", "cache_connection", "cache_prefix", "cache_timeout"),
}
