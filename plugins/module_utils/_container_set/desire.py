# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a task's options to the desired containers of a project. Pure; all problems are reported together."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.env_file import ENV_FILE_CONTENT
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import DesiredContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_refused import refusals
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    ENTRY_LABEL,
    PROJECT_LABEL,
    DesiredSet,
    PlannedImage,
    UpdatePolicy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import (
    CONTENT_FROM,
    CONTENTS,
    DEPENDS_ON,
    ENV_FILE_FROM,
    PLACEMENT,
    REPLICAS,
    ROLLBACK_CONFIG,
    UPDATE_CONFIG,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options_update import parse_update_config
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import parse_guest_key

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
# Options whose values in a container are added to the default ones and override them key by key.
_MERGED = ("env", "labels")
_GUEST_KEY = "guest_key"
# What a container does by default; container_vm has another default, since it starts only one.
_DEFAULT_STATE = "ready"


@dataclass(frozen=True)
class _Entry:
    """One entry of the list, with the names of its containers."""

    name: str
    where: str
    options: Mapping[str, Any]
    names: tuple[str, ...]
    dependencies: tuple[str, ...]
    update: UpdatePolicy


def desire_set(params: Mapping[str, Any], places: Sequence[str] = ()) -> DesiredSet:
    """Return the desired set. ``places`` name the entries in error messages, by default by their index and name."""
    if _PROJECT.fullmatch(params["project"]) is None:
        raise GantryError(
            f"project is {params['project']!r}. The name of a project has letters, digits, '_', '.' and '-', begins "
            "with a letter or digit, and has at most 63 characters."
        )
    present = params["state"] == "present"
    if not present:
        # Only the label says which containers exist.
        return DesiredSet(params["project"], (), {}, present=False, datacenter=params["datacenter"])
    problems: list[GantryError] = []
    # It is the key of all containers, so a problem with it is reported once.
    parse_guest_key(params[_GUEST_KEY])
    entries = list(_entries(params, places, problems))
    problems += [*_repeated(entries), *_dependency_problems(entries)]
    containers = [one for entry in entries for one in _containers(entry, params, problems)]
    raise_all(problems)
    return DesiredSet(
        project=params["project"],
        containers=tuple(containers),
        entries={entry.name: entry.names for entry in entries},
        scaled=frozenset(params["replicas"]),
        create_only=params["create_only"],
        remove_unlisted=params["remove_unlisted"],
        datacenter=params["datacenter"],
        planned_images=tuple(_planned(one) for one in params["planned_images"]),
        dependencies={entry.name: entry.dependencies for entry in entries if entry.dependencies},
        updates={entry.name: entry.update for entry in entries},
    )


def _entries(params: Mapping[str, Any], places: Sequence[str], problems: list[GantryError]) -> Iterator[_Entry]:
    common = {option: params[option] for option in PLACEMENT if params[option] is not None}
    own = [option for option in ("name", REPLICAS, DEPENDS_ON) if option in params["defaults"]]
    if own:
        problems.append(GantryError(f"defaults has {listed(own)}, which is given for each container."))
    known = set()
    for index, given in enumerate(params["containers"]):
        name = given.get("name")
        where = f"containers[{index}]"
        if not isinstance(name, str):
            problems.append(GantryError(f"{where} has the name {name!r}. Give each container a name as a string."))
            continue
        known.add(name)
        where = places[index] if places else f"{where} ({name})"
        number = params["replicas"].get(name, given.get(REPLICAS))
        options = _merged([common, params["defaults"], given])
        options.pop(REPLICAS, None)
        try:
            names = _names(name, number, where)
            dependencies = _dependencies(options.pop(DEPENDS_ON, None), where)
            update = parse_update_config(options.pop(UPDATE_CONFIG, None), options.pop(ROLLBACK_CONFIG, None), where)
            _add_contents(options, params[CONTENTS], where)
        except GantryError as error:
            problems.append(error)
            continue
        yield _Entry(name, where, options, names, dependencies, update)
    unknown = sorted(set(params["replicas"]) - known)
    if unknown:
        there = listed(sorted(known)) or "none"
        problems.append(
            GantryError(f"replicas names {listed(unknown)}, and the containers are: {there}. Correct the name.")
        )


def _names(name: str, number: Any, where: str) -> tuple[str, ...]:
    """Return the names of an entry's containers: its own name, or with replicas the name with each one's number."""
    if number is None:
        return (name,)
    try:
        count = int(str(number))
    except ValueError:
        count = -1
    if count < 0 or isinstance(number, bool):
        raise GantryError(f"{where} has replicas: {number!r}. Give a whole number, 0 or more.")
    return tuple(f"{name}-{index}" for index in range(1, count + 1))


def _dependencies(given: Any, where: str) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise GantryError(f"{where} has {DEPENDS_ON}: {given!r}. Give a list of the names of other containers.")
    return tuple(dict.fromkeys(given))


def _dependency_problems(entries: Sequence[_Entry]) -> list[GantryError]:
    """Return a problem for each dependency that is not in the list, and one for those that wait for each other."""
    names = {entry.name for entry in entries}
    unknown = [(entry, sorted(set(entry.dependencies) - names)) for entry in entries]
    problems = [
        GantryError(f"{entry.where} has {DEPENDS_ON} {listed(missing)}, which containers does not have. Correct it.")
        for entry, missing in unknown
        if missing
    ]
    try:
        TopologicalSorter({entry.name: entry.dependencies for entry in entries}).prepare()
    except CycleError as error:
        circle = sorted(set(error.args[1]))
        problems.append(
            GantryError(f"The {DEPENDS_ON} of {listed(circle)} is circular. Remove one of the dependencies.")
        )
    return problems


def _merged(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for layer in layers:
        for option, value in layer.items():
            before = result.get(option)
            if option in _MERGED and isinstance(before, Mapping) and isinstance(value, Mapping):
                result[option] = {**before, **value}
            else:
                result[option] = value
    return result


def _add_contents(options: dict[str, Any], contents: Mapping[str, Any], where: str) -> None:
    """Give files, secrets and env_file the contents that they name."""
    if ENV_FILE_FROM in options:
        name = options.pop(ENV_FILE_FROM)
        content = _content_of(name, contents, f"{where}: {ENV_FILE_FROM}").get("content")
        options[ENV_FILE_CONTENT] = content
    for option in FILE_OPTIONS:
        if isinstance(files := options.get(option), list):
            options[option] = [
                _with_content(file, contents, f"{where}: {option}[{index}]") for index, file in enumerate(files)
            ]


def _with_content(file: Any, contents: Mapping[str, Any], where: str) -> Any:
    if not isinstance(file, Mapping) or CONTENT_FROM not in file:
        return file
    content = _content_of(file[CONTENT_FROM], contents, f"{where}.{CONTENT_FROM}")
    return {**{key: value for key, value in file.items() if key != CONTENT_FROM}, **content}


def _content_of(name: Any, contents: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    content = contents.get(str(name))
    if not isinstance(content, Mapping):
        raise GantryError(
            f"{where} is {name!r}, and contents has no dictionary with this name. Add it, with content or "
            "content_base64."
        )
    return content


def _repeated(entries: Sequence[_Entry]) -> list[GantryError]:
    """Return a problem for each name that several containers would have."""
    problems = []
    listed_twice = {name for name, count in Counter(entry.name for entry in entries).items() if count > 1}
    problems += [
        GantryError(f"The container {name} is listed more than once in containers. Remove or rename one of them.")
        for name in sorted(listed_twice)
    ]
    owners: dict[str, list[str]] = {}
    for entry in entries:
        for name in entry.names:
            owners.setdefault(name, []).append(entry.name)
    problems += [
        GantryError(
            f"{' and '.join(of)} both have a container named {name}: replicas are named with a number, such as "
            f"{name}. Rename one of them."
        )
        for name, of in sorted(owners.items())
        if len(set(of)) > 1
    ]
    return problems


def _containers(entry: _Entry, params: Mapping[str, Any], problems: list[GantryError]) -> Iterator[DesiredContainer]:
    spec = container_argument_spec()
    del spec[_GUEST_KEY]
    spec["state"] = {**spec["state"], "default": _DEFAULT_STATE}
    known = {name for option, argument in spec.items() for name in (option, *argument.get("aliases", ()))}
    unknown = [option for option in entry.options if option not in known]
    if unknown:
        problems.extend(_unknown_option(entry, option, spec) for option in unknown)
        return
    own = {PROJECT_LABEL: params["project"], ENTRY_LABEL: entry.name}
    # An entry without replicas is validated too.
    for name in entry.names or (f"{entry.name}-1",):
        checked = ArgumentSpecValidator(spec).validate({**entry.options, "name": name})
        if checked.error_messages:
            problems.append(GantryError(f"{entry.where}: {checked.errors.msg.rstrip('.')}."))
            return
        values = {option: checked.validated_parameters.get(option) for option in spec}
        values["labels"] = {**(values["labels"] or {}), **own}
        values[_GUEST_KEY] = params[_GUEST_KEY]
        try:
            if values["image"] is None and values["state"] != "absent":
                raise GantryError("image is missing. Give the reference of the image.")
            desired = desire_container(values)
        except GantryError as error:
            problems.append(GantryError(f"{entry.where}: {error.message.rstrip('.')}."))
            return
        if entry.names:
            yield replace(desired, replacement=entry.update.replacement)


def _unknown_option(entry: _Entry, option: str, spec: Mapping[str, Any]) -> GantryError:
    if option == _GUEST_KEY:
        return GantryError(
            f"{entry.where} has guest_key, which would be shown in logs there. Give it as an option of the task, for "
            "all containers."
        )
    refused = refusals([option])
    if refused:
        return GantryError(f"{entry.where}: {refused[0].message.rstrip('.')}.")
    close = difflib.get_close_matches(option, [*spec, REPLICAS, DEPENDS_ON, UPDATE_CONFIG, ROLLBACK_CONFIG], n=1)
    hint = f"Did you mean {close[0]}?" if close else "See the options of container_vm."
    return GantryError(f"{entry.where} has the unknown option {option!r}. {hint}")


def _planned(facts: Mapping[str, Any]) -> PlannedImage:
    try:
        return PlannedImage(
            reference=facts["reference"],
            name=facts["name"],
            digest=facts["digest"],
            disk=facts["disk"],
            datastore=facts["datastore"],
            config=facts["config"],
        )
    except KeyError as missing:
        raise GantryError(
            f"An item of planned_images has no {missing}. Give what container_image returns as image."
        ) from None
