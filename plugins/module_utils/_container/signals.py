# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux signals by name: a stop signal may be written TERM, SIGTERM or 15."""

from __future__ import annotations

import re

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# In the order of their numbers, from 1 (Linux on x86-64; the controller may be another system).
_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG"
    " XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split()
_REALTIME = re.compile(r"RT(?:MIN(?:\+(?:\d|[12]\d|30))?|MAX(?:-(?:\d|[12]\d|30))?)")


def parse_signal(text: str) -> str:
    """The signal's name with SIG."""
    name = text.strip().upper().removeprefix("SIG")
    if name.isdigit() and 1 <= int(name) <= len(_NAMES):
        name = _NAMES[int(name) - 1]
    if name not in _NAMES and _REALTIME.fullmatch(name) is None:
        raise GantryError(f"the stop signal is {text!r}, which is not a Linux signal; write for example SIGTERM or 15")
    return f"SIG{name}"
