# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the options of a container. Pure.

A parser gets the given value or the option's default, and all parameters of the task. It raises GantryError with the
option's name for an invalid value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import (
    GIB,
    KIB,
    MIB,
    parse_address,
    parse_duration,
    parse_size,
    parse_strings,
    parse_words,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import (
    HealthcheckOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import is_health_test
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.linux import parse_capabilities, parse_signal

DEFAULT_SCRATCH = 8 * GIB
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_WORD = re.compile(r"[^\s#]+")
_ENV_NAME = re.compile(r"[^=]+")
# With less the bootstrap's kernel panics (below about 84 MiB), or no memory is left to start the container with.
MIN_MEMORY = 96 * MIB
MEMORY_STEP = 4 * MIB
# The smallest file system that the guest can create.
MIN_SCRATCH_DISK = 64 * MIB
MIN_SCRATCH_TMPFS = MIB
MIN_LOG = 16 * KIB


def refuse_nul(value: Any, option: str = "") -> None:
    """Refuse the only character that no argument, variable or path can contain."""
    if isinstance(value, str) and "\0" in value:
        raise GantryError(f"{option} is {value!r}, which contains a NUL character. Linux cannot pass it to a program.")
    if isinstance(value, Mapping):
        for key, item in value.items():
            refuse_nul(key, option or str(key))
            refuse_nul(item, option or str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            refuse_nul(item, option)


def parse_hostname(given: Any, params: Mapping[str, Any]) -> str:
    """Return the host name; by default the container's name without the characters that a host name cannot have."""
    if given is None:
        name: str = params["name"]
        return re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "container"
    if _HOSTNAME.fullmatch(given) is None or len(given) > 64:
        raise GantryError(f"container_hostname is {given!r}, which is not a host name of at most 64 characters.")
    return str(given)


def parse_image(given: Any, _params: Mapping[str, Any]) -> str:
    """Return the image reference without surrounding whitespace."""
    if not given.strip():
        raise GantryError("image is empty. Give a reference such as registry.example.com/web:1.2.")
    return str(given.strip())


def parse_command(given: Any, _params: Mapping[str, Any]) -> tuple[str, ...] | None:
    return None if given is None else parse_words(given, "command")


def parse_optional_list(given: Any, _params: Mapping[str, Any]) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def parse_list(given: Any, _params: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(given or ())


def parse_labels(given: Any, _params: Mapping[str, Any]) -> dict[str, str]:
    return parse_strings(given or {}, "labels")


def parse_env(given: Any, _params: Mapping[str, Any]) -> dict[str, str]:
    return parse_variables(given, "env")


def parse_variables(given: Any, option: str) -> dict[str, str]:
    """Return environment variables, with their names validated."""
    env = parse_strings(given or {}, option)
    for name in env:
        if _ENV_NAME.fullmatch(name) is None:
            raise GantryError(
                f"{option} {name!r} is not the name of an environment variable. A name is not empty and has no equals "
                "sign."
            )
    return env


def parse_etc_hosts(given: Any, _params: Mapping[str, Any]) -> dict[str, str]:
    """Return addresses by host name."""
    hosts = parse_strings(given or {}, "etc_hosts")
    _each_one_word(list(hosts), "etc_hosts")
    return {host: parse_address(address, f"etc_hosts {host}") for host, address in hosts.items()}


def parse_dns_servers(given: Any, _params: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(parse_address(server, "dns_servers") for server in given or ())


def words_of(option: str) -> Callable[[Any, Mapping[str, Any]], tuple[str, ...]]:
    """Return the parser of a list of words."""
    return lambda given, _params: _each_one_word(given, option)


def _each_one_word(given: Sequence[str] | None, option: str) -> tuple[str, ...]:
    for word in given or ():
        if _WORD.fullmatch(word) is None:
            raise GantryError(f"{option} holds {word!r}, which is not a single word.")
    return tuple(given or ())


def parse_working_dir(given: Any, _params: Mapping[str, Any]) -> str | None:
    return parse_absolute(given, "working_dir")


def parse_program(given: Any, option: str) -> tuple[str, ...]:
    """Return a program and its arguments."""
    words = parse_words(given, option)
    if not words or not words[0]:
        raise GantryError(f"{option} is {given!r}, which has no program. Give the program and its arguments.")
    return words


def parse_absolute(path: str | None, option: str) -> str | None:
    """Return a path in the container, if one is given."""
    if path is not None and not path.startswith("/"):
        raise GantryError(f"{option} is {path!r}. It must be an absolute path in the container.")
    return path


def number_from(least: int, option: str) -> Callable[[Any, Mapping[str, Any]], int]:
    """Return the parser of a number with a minimum."""
    return lambda given, _params: _at_least(given, least, option)


def _at_least(value: int, least: int, option: str) -> int:
    if value < least:
        raise GantryError(f"{option} is {value}. It must be at least {least}.")
    return value


def parse_memory(given: Any, _params: Mapping[str, Any]) -> int:
    """Return the memory in bytes."""
    memory = parse_size(given, "memory")
    if memory < MIN_MEMORY or memory % MEMORY_STEP:
        raise GantryError(
            f"memory is {given!r}. The memory of a VM is a multiple of 4 MiB, and a container VM boots with at least "
            f"{MIN_MEMORY // MIB} MiB."
        )
    return memory


def parse_restart_retries(given: Any, params: Mapping[str, Any]) -> int:
    """Return how often the container is restarted; only one restart policy has a limit."""
    retries = _at_least(given, 0, "restart_retries")
    if retries and params["restart_policy"] != "on-failure":
        raise GantryError("restart_retries is only for restart_policy on-failure.")
    return retries


def parse_healthcheck(given: Any, _params: Mapping[str, Any]) -> HealthcheckOption | None:
    """Return the parts of the health check that the task gives."""
    if given is None:
        return None
    return HealthcheckOption(
        test=_health_test(given["test"]),
        interval=_health_duration(given, "interval"),
        timeout=_health_duration(given, "timeout"),
        retries=None if given["retries"] is None else _at_least(given["retries"], 1, "healthcheck.retries"),
        start_period=_health_duration(given, "start_period"),
        start_interval=_health_duration(given, "start_interval"),
    )


def _health_test(test: Any) -> tuple[str, ...] | None:
    if test is None:
        return None
    if isinstance(test, str):
        return ("NONE",) if test == "NONE" else ("CMD-SHELL", test)
    words = parse_words(test, "healthcheck.test")
    if words != ("NONE",) and not is_health_test(words):
        raise GantryError(
            f"healthcheck.test is {list(words)}. Write a command as one string, or [CMD, word, …], "
            "[CMD-SHELL, command] or [NONE]."
        )
    return words


def _health_duration(given: Mapping[str, Any], key: str) -> float | None:
    if given[key] is None:
        return None
    seconds = parse_duration(given[key], f"healthcheck.{key}")
    # In Docker's configuration zero means the image's value, so it cannot be requested.
    if seconds < 0.001 and key != "start_period":
        raise GantryError(f"healthcheck.{key} is {given[key]!r}. It must be at least 1ms.")
    return seconds


def parse_stop_signal(given: Any, _params: Mapping[str, Any]) -> str | None:
    return None if given is None else parse_signal(given)


def capabilities_of(option: str) -> Callable[[Any, Mapping[str, Any]], tuple[str, ...]]:
    """Return the parser of a list of capabilities."""
    return lambda given, _params: parse_capabilities(given or (), option)


def parse_scratch_size(given: Any, params: Mapping[str, Any]) -> int | None:
    """Return the size of the writable layer, in whole MiB; None if there is none or the guest chooses it."""
    if given is None:
        return DEFAULT_SCRATCH if params["writable"] != "tmpfs" and not params["read_only"] else None
    if params["read_only"]:
        raise GantryError("scratch_size is given with read_only. A read-only container has no writable layer.")
    size = parse_size(given, "scratch_size")
    least = MIN_SCRATCH_TMPFS if params["writable"] == "tmpfs" else MIN_SCRATCH_DISK
    if size < least:
        raise GantryError(f"scratch_size is {given!r}. It must be at least {least // MIB}M.")
    return -(-size // MIB) * MIB


def size_from(least: int, option: str) -> Callable[[Any, Mapping[str, Any]], int]:
    """Return the parser of a size in bytes with a minimum in whole KiB."""
    return lambda given, _params: _size_at_least(given, least, option)


def _size_at_least(given: str, least: int, option: str) -> int:
    size = parse_size(given, option)
    if size < least:
        raise GantryError(f"{option} is {given!r}. It must be at least {least // KIB}K.")
    return size


def as_given(given: Any, _params: Mapping[str, Any]) -> Any:
    return given
