# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's parameters to the desired state. Pure: what cannot be meant is refused here, by name."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import (
    MIB,
    parse_address,
    parse_duration,
    parse_interface,
    parse_mac,
    parse_mode,
    parse_size,
    parse_strings,
    parse_words,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_guest import is_health_test
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DEFAULT_LOG,
    DEFAULT_MEMORY,
    DEFAULT_NETWORK,
    DEFAULT_SCRATCH,
    DEFAULT_STOP_TIMEOUT,
    Config,
    DesiredContainer,
    HealthcheckOption,
    NetworkOption,
    PlacementOption,
    TmpfsOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import config_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import IMAGE_PREFIX, SUCCESSOR_SUFFIX
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.linux import parse_capabilities, parse_signal

# Room for the suffix of a successor within vSphere's 80 characters, and the longest host name.
MAX_NAME = 63
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_WORD = re.compile(r"[^\s#]+")
_ENV_NAME = re.compile(r"[^=]+")
# Below this the kernel of the bootstrap panics; vSphere takes memory in steps of 4 MiB.
MIN_MEMORY = 96 * MIB
MEMORY_STEP = 4 * MIB
# The smallest file system that the guest can make.
MIN_SCRATCH_DISK = 64 * MIB
MIN_SCRATCH_TMPFS = MIB
MIN_LOG = 16 * 1024


def parse_container(params: Mapping[str, Any]) -> DesiredContainer:
    """The desired state of one container."""
    name = parse_name(params["name"])
    config = _parse_config(name, params)
    if params["wait_timeout"] < 1:
        raise GantryError(f"wait_timeout is {params['wait_timeout']}; it must be at least 1 second")
    if config is None and params["recreate"]:
        raise GantryError("recreate needs image: what is built anew must be said")
    return DesiredContainer(
        name=name,
        state=params["state"],
        config=config,
        placement=PlacementOption(
            datacenter=params["datacenter"],
            cluster=params["cluster"],
            resource_pool=params["resource_pool"],
            folder=params["folder"],
            datastore=params["datastore"],
            bootstrap=params["bootstrap"],
            drift=params["placement_drift"],
        ),
        notes=params["notes"],
        recreate=params["recreate"],
        force_kill=params["force_kill"],
        stop_timeout=None if params["stop_timeout"] is None else _stop_timeout(params),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )


def parse_name(name: str) -> str:
    """A container's name: Docker's characters, and short enough for a host name."""
    if _NAME.fullmatch(name) is None or len(name) > MAX_NAME:
        raise GantryError(
            f"name is {name!r}; a container's name has letters, digits, '_', '.' and '-', begins with a letter or "
            f"digit, and has at most {MAX_NAME} characters"
        )
    if name.startswith(IMAGE_PREFIX) or name.endswith(SUCCESSOR_SUFFIX):
        raise GantryError(
            f"name is {name!r}; names that begin with {IMAGE_PREFIX!r} or end with {SUCCESSOR_SUFFIX!r} are kept for "
            "the collection's own templates and replacements"
        )
    return name


def _parse_config(name: str, params: Mapping[str, Any]) -> Config | None:
    if params["image"] is None:
        # stop_timeout also says how long to wait when only the state is managed.
        given = [option for option in config_argument_spec() if params[option] is not None and option != "stop_timeout"]
        if given and params["state"] != "absent":
            raise GantryError(
                f"{', '.join(given)} given without image: a container's configuration is given whole, with its image; "
                "without image only the state of an existing container is managed"
            )
        return None
    _refuse_nul({option: params[option] for option in config_argument_spec()})
    if not params["image"].strip():
        raise GantryError("image is empty; give a reference such as registry.example.com/web:1.2")
    return Config(
        image=params["image"].strip(),
        hostname=_hostname(name, params["container_hostname"]),
        command=None if params["command"] is None else parse_words(params["command"], "command"),
        entrypoint=None if params["entrypoint"] is None else tuple(params["entrypoint"]),
        env=_env(params["env"]),
        labels=parse_strings(params["labels"] or {}, "labels"),
        user=params["user"],
        groups=tuple(params["groups"] or ()),
        working_dir=_absolute(params["working_dir"], "working_dir"),
        memory=_memory(params["memory"]),
        cpus=_at_least(params["cpus"], 1, "cpus", default=1),
        networks=_networks(params["networks"]),
        dns_servers=tuple(parse_address(server, "dns_servers") for server in params["dns_servers"] or ()),
        dns_search_domains=_each_one_word(params["dns_search_domains"], "dns_search_domains"),
        dns_opts=_each_one_word(params["dns_opts"], "dns_opts"),
        etc_hosts=_etc_hosts(params["etc_hosts"]),
        restart_policy=params["restart_policy"] or "no",
        restart_retries=_restart_retries(params),
        healthcheck=_healthcheck(params["healthcheck"]),
        stop_signal=None if params["stop_signal"] is None else parse_signal(params["stop_signal"]),
        stop_timeout=_stop_timeout(params),
        read_only=bool(params["read_only"]),
        writable=params["writable"] or "disk",
        scratch_size=_scratch_size(params),
        tmpfs=_tmpfs(params["tmpfs"] or ()),
        capabilities=parse_capabilities(params["capabilities"] or (), "capabilities"),
        cap_drop=parse_capabilities(params["cap_drop"] or (), "cap_drop"),
        log_max_size=_log_max_size(params["log_max_size"]),
    )


def _refuse_nul(value: Any, option: str = "") -> None:
    """Refuse the one character that no argument, variable or path can hold."""
    if isinstance(value, str) and "\0" in value:
        raise GantryError(f"{option} is {value!r}, which holds a NUL character. No program can be given one.")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_nul(key, option or str(key))
            _refuse_nul(item, option or str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_nul(item, option)


def _hostname(name: str, given: str | None) -> str:
    if given is None:
        # A name may have characters that a host name may not.
        return re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "container"
    if _HOSTNAME.fullmatch(given) is None or len(given) > 64:
        raise GantryError(f"container_hostname is {given!r}, which is not a host name of at most 64 characters")
    return given


def _env(given: Mapping[Any, Any] | None) -> dict[str, str]:
    env = parse_strings(given or {}, "env")
    for name in env:
        if _ENV_NAME.fullmatch(name) is None:
            raise GantryError(
                f"env {name!r} is not the name of an environment variable. A name is not empty and has no equals sign."
            )
    return env


def _etc_hosts(given: Mapping[Any, Any] | None) -> dict[str, str]:
    hosts = parse_strings(given or {}, "etc_hosts")
    _each_one_word(list(hosts), "etc_hosts")
    return {host: parse_address(address, f"etc_hosts {host}") for host, address in hosts.items()}


def _each_one_word(given: list[str] | None, option: str) -> tuple[str, ...]:
    for word in given or ():
        if _WORD.fullmatch(word) is None:
            raise GantryError(f"{option} holds {word!r}, which is not one word")
    return tuple(given or ())


def _absolute(path: str | None, option: str) -> str | None:
    if path is not None and not path.startswith("/"):
        raise GantryError(f"{option} is {path!r}; it must be an absolute path in the container")
    return path


def _at_least(value: int | None, least: int, option: str, *, default: int) -> int:
    if value is None:
        return default
    if value < least:
        raise GantryError(f"{option} is {value}; it must be at least {least}")
    return value


def _memory(text: str | None) -> int:
    if text is None:
        return DEFAULT_MEMORY
    memory = parse_size(text, "memory")
    if memory < MIN_MEMORY or memory % MEMORY_STEP:
        raise GantryError(
            f"memory is {text!r}. The memory of a VM is a multiple of 4 MiB, and a container VM boots with at least "
            f"{MIN_MEMORY // MIB} MiB."
        )
    return memory


def _networks(given: list[dict[str, Any]] | None) -> tuple[NetworkOption, ...]:
    if given is None:
        return (NetworkOption(DEFAULT_NETWORK),)
    networks = tuple(_network(item, f"networks[{index}]") for index, item in enumerate(given))
    macs = [network.mac for network in networks if network.mac is not None]
    if len(set(macs)) != len(macs):
        raise GantryError("networks gives one mac_address to two adapters; each needs its own")
    return networks


def _network(item: Mapping[str, Any], option: str) -> NetworkOption:
    address = None if item["ipv4_address"] is None else parse_interface(item["ipv4_address"], f"{option}.ipv4_address")
    gateway = None if item["gateway"] is None else parse_address(item["gateway"], f"{option}.gateway")
    if gateway is not None:
        if address is None:
            raise GantryError(f"{option}.gateway is given without ipv4_address: with DHCP the server says the gateway")
        if ipaddress.ip_address(gateway) not in ipaddress.IPv4Interface(address).network:
            raise GantryError(f"{option}.gateway {gateway} is not in the network of {address}")
    mac = None if item["mac_address"] is None else parse_mac(item["mac_address"], f"{option}.mac_address")
    return NetworkOption(name=item["name"], address=address, gateway=gateway, mac=mac)


def _restart_retries(params: Mapping[str, Any]) -> int:
    retries = _at_least(params["restart_retries"], 0, "restart_retries", default=0)
    if retries and params["restart_policy"] != "on-failure":
        raise GantryError("restart_retries is only for restart_policy on-failure")
    return retries


def _healthcheck(given: Mapping[str, Any] | None) -> HealthcheckOption | None:
    if given is None:
        return None
    return HealthcheckOption(
        test=_health_test(given["test"]),
        interval=_health_duration(given, "interval"),
        timeout=_health_duration(given, "timeout"),
        retries=None if given["retries"] is None else _at_least(given["retries"], 1, "healthcheck.retries", default=1),
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
            f"healthcheck.test is {list(words)}; write a command as one string, or [CMD, word, …], "
            "[CMD-SHELL, command] or [NONE]"
        )
    return words


def _health_duration(given: Mapping[str, Any], key: str) -> float | None:
    if given[key] is None:
        return None
    seconds = parse_duration(given[key], f"healthcheck.{key}")
    # In Docker's configuration zero means "as the image says", so it cannot be asked for.
    if seconds < 0.001 and key != "start_period":
        raise GantryError(f"healthcheck.{key} is {given[key]!r}; it must be at least 1ms")
    return seconds


def _stop_timeout(params: Mapping[str, Any]) -> int:
    return _at_least(params["stop_timeout"], 0, "stop_timeout", default=DEFAULT_STOP_TIMEOUT)


def _scratch_size(params: Mapping[str, Any]) -> int | None:
    given = params["scratch_size"]
    if given is None:
        return DEFAULT_SCRATCH if params["writable"] != "tmpfs" and not params["read_only"] else None
    if params["read_only"]:
        raise GantryError("scratch_size is given with read_only: a read-only container has no writable layer")
    size = parse_size(given, "scratch_size")
    least = MIN_SCRATCH_TMPFS if params["writable"] == "tmpfs" else MIN_SCRATCH_DISK
    if size < least:
        raise GantryError(f"scratch_size is {given!r}. It must be at least {least // MIB}M.")
    return -(-size // MIB) * MIB


def _tmpfs(given: list[str] | tuple[()]) -> tuple[TmpfsOption, ...]:
    mounts = tuple(_tmpfs_mount(text) for text in given)
    targets = [mount.target for mount in mounts]
    if len(set(targets)) != len(targets):
        raise GantryError("tmpfs names one target twice")
    return mounts


def _tmpfs_mount(text: str) -> TmpfsOption:
    target, _colon, options = text.partition(":")
    _absolute(target, "tmpfs")
    if posixpath.normpath(target) in ("/", "//"):
        raise GantryError(f"tmpfs is {text!r}; the root of the container cannot be one, see writable")
    size, mode = None, "1777"
    for option in filter(None, options.split(",")):
        key, _equals, value = option.partition("=")
        if key == "size":
            size = parse_size(value, f"tmpfs {target} size")
            if size == 0:
                raise GantryError(f"tmpfs is {text!r}; its size must be more than nothing")
        elif key == "mode":
            mode = parse_mode(value, f"tmpfs {target} mode")
        else:
            raise GantryError(f"tmpfs is {text!r}; of the mount options only size and mode can be given")
    return TmpfsOption(target=target, size=size, mode=mode)


def _log_max_size(text: str | None) -> int:
    if text is None:
        return DEFAULT_LOG
    size = parse_size(text, "log_max_size")
    if size < MIN_LOG:
        raise GantryError(f"log_max_size is {text!r}. It must be at least {MIN_LOG // 1024}K.")
    return size
