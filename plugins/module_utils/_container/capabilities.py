# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux capabilities: which a container keeps, by Docker's rules for adding and dropping."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

ALL = "ALL"
# What Docker grants when nothing is said.
DEFAULT = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID"
    " SYS_CHROOT"
).split()
KNOWN = sorted(
    DEFAULT
    + (
        "AUDIT_CONTROL AUDIT_READ BLOCK_SUSPEND BPF CHECKPOINT_RESTORE DAC_READ_SEARCH IPC_LOCK IPC_OWNER LEASE"
        " LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE NET_ADMIN NET_BROADCAST PERFMON SYSLOG SYS_ADMIN SYS_BOOT SYS_MODULE"
        " SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
    ).split()
)


def parse_capabilities(names: Sequence[str], option: str) -> tuple[str, ...]:
    """Names in one form (no CAP_, upper case), sorted, each known to Linux or ALL."""
    found = set()
    for name in names:
        plain = name.strip().upper().removeprefix("CAP_")
        if plain != ALL and plain not in KNOWN:
            raise GantryError(f"{option} holds {name!r}, which is not a Linux capability; write for example NET_ADMIN")
        found.add(plain)
    return tuple(sorted(found))


def bounding_set(added: Sequence[str], dropped: Sequence[str]) -> list[str] | None:
    """The exact bounding set, or None for Docker's default one."""
    if not added and not dropped:
        return None
    if ALL in added:
        kept = set(KNOWN) - set(dropped)
    elif ALL in dropped:
        kept = set(added)
    else:
        kept = (set(DEFAULT) - set(dropped)) | set(added)
    return sorted(kept)
