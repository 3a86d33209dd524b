# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux constants of the guest: signals by name and number, and capabilities."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

ALL_CAPABILITIES = "ALL"
# The capabilities that Docker grants by default.
DEFAULT_CAPABILITIES = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID"
    " SYS_CHROOT"
).split()
CAPABILITIES = sorted(
    DEFAULT_CAPABILITIES
    + (
        "AUDIT_CONTROL AUDIT_READ BLOCK_SUSPEND BPF CHECKPOINT_RESTORE DAC_READ_SEARCH IPC_LOCK IPC_OWNER LEASE"
        " LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE NET_ADMIN NET_BROADCAST PERFMON SYSLOG SYS_ADMIN SYS_BOOT SYS_MODULE"
        " SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
    ).split()
)

# The resource limits, by Docker's names.
ULIMITS = ("core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack").split()
# The highest value of nofile, unless fs.nr_open is changed.
MAX_OPEN_FILES = 1 << 20
# The kernel settings that a container cannot set, with the reason.
_RUNS_A_PROGRAM = "the kernel would run its program outside of the container, as root of the VM"
REFUSED_SYSCTLS = {
    "kernel.core_pattern": _RUNS_A_PROGRAM,
    "kernel.hostname": "container_hostname is the option for it",
    "kernel.hotplug": _RUNS_A_PROGRAM,
    "kernel.modprobe": _RUNS_A_PROGRAM,
    "kernel.poweroff_cmd": _RUNS_A_PROGRAM,
}

# Linux on x86-64; the control node may be another system. The names are in the order of their numbers, from 1.
SIGNALS = {
    f"SIG{name}": number
    for number, name in enumerate(
        (
            "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU"
            " URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
        ).split(),
        start=1,
    )
}
_ALIASES = {"SIGCLD": "SIGCHLD", "SIGIOT": "SIGABRT", "SIGPOLL": "SIGIO"}
# glibc reserves 32 and 33.
REALTIME_MIN, REALTIME_MAX = 34, 64
_REALTIME = re.compile(r"SIGRT(?:MIN(?:\+(?P<above>\d{1,2}))?|MAX(?:-(?P<below>\d{1,2}))?)")
_NAMES = {number: name for name, number in SIGNALS.items()} | {
    number: f"SIGRTMIN+{number - REALTIME_MIN}" if number > REALTIME_MIN else "SIGRTMIN"
    for number in range(REALTIME_MIN, REALTIME_MAX + 1)
}


def parse_signal(text: str, what: str = "stop_signal") -> str:
    """Return the canonical name of a signal that is written as SIGTERM, term, 15, SIGRTMIN+3, RTMAX-27 or 37."""
    name = _NAMES.get(_signal_number(text.strip().upper()))
    if name is None:
        raise GantryError(
            f"{what} is {text!r}, which is not a Linux signal. Write for example SIGTERM, 15, SIGRTMIN+3 or 37."
        )
    return name


def _signal_number(text: str) -> int:
    """Return the number of a signal, or a number that no signal has."""
    if text.isascii() and text.isdigit():
        return int(text)
    name = text if text.startswith("SIG") else f"SIG{text}"
    realtime = _REALTIME.fullmatch(name)
    if realtime is None:
        return SIGNALS.get(_ALIASES.get(name, name), 0)
    if name.startswith("SIGRTMIN"):
        return REALTIME_MIN + int(realtime["above"] or 0)
    number = REALTIME_MAX - int(realtime["below"] or 0)
    return number if number >= REALTIME_MIN else 0


def parse_capabilities(names: Sequence[str], option: str) -> tuple[str, ...]:
    """Return canonical names (no CAP_, upper case), sorted, each known to Linux or ALL_CAPABILITIES."""
    found = set()
    for name in names:
        plain = name.strip().upper().removeprefix("CAP_")
        if plain != ALL_CAPABILITIES and plain not in CAPABILITIES:
            raise GantryError(f"{option} holds {name!r}, which is not a Linux capability. Write for example NET_ADMIN.")
        found.add(plain)
    return tuple(sorted(found))


def bounding_set(added: Sequence[str], dropped: Sequence[str]) -> list[str] | None:
    """Return the exact bounding set, or None for Docker's default one."""
    if not added and not dropped:
        return None
    if ALL_CAPABILITIES in added:
        kept = set(CAPABILITIES) - set(dropped)
    elif ALL_CAPABILITIES in dropped:
        kept = set(added)
    else:
        kept = (set(DEFAULT_CAPABILITIES) - set(dropped)) | set(added)
    return sorted(kept)
