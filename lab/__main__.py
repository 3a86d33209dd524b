# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop or show the lab: python -m lab up|down|status. Have one while another process runs: python -m lab hold.

Exit codes: 0 success (status: the lab is up), 1 error, 3 status: the lab is not up.
"""

from __future__ import annotations

import argparse
import os
import time

from devkit.console import main_guard, say
from lab import artifacts, held, sudo
from lab.controller import Lab, Status
from lab.errors import LabError

NOT_UP = 3


def up(lab: Lab) -> int:
    begin = time.monotonic()
    if lab.status().state == "up":
        say(f"The lab is already up. See {lab.state.lab_json}.")
        return 0
    if lab.needs_sudo():
        command = sudo.lab_command("up")
        # Build as the user, so that the caches keep their owner.
        artifacts.build(lab.config)
        _become_root(command)
    info = lab.up()
    say(f"The lab is up ({time.monotonic() - begin:.1f} s): vCenter at 127.0.0.1:{info['vcenter']['port']},")
    if info["second"]:
        say(f"second vCenter at 127.0.0.1:{info['second']['vcenter']['port']},")
    say(f"registry at {info['registry']}, accelerator {info['accelerator']}")
    say(f"connection data: {lab.state.lab_json}; for a shell: . {lab.state.env}")
    return 0


def down(lab: Lab) -> int:
    processes = lab.state.processes
    if os.geteuid() != 0 and processes.exists() and processes.stat().st_uid == 0:
        _become_root(sudo.lab_command("down"))
    say("The lab is down." if lab.down() else "The lab was not up.")
    return 0


def status(lab: Lab) -> int:
    found = lab.status()
    under_way = found.state == "broken" and lab.state.is_locked()
    say(f"lab {lab.state.directory}: {'starting or stopping' if under_way else found.state}")
    for row in _rows(found):
        say("  " + "  ".join(f"{cell:<12}" for cell in row).rstrip())
    return 0 if found.state == "up" else NOT_UP


def _rows(found: Status) -> list[tuple[str, ...]]:
    info = found.info or {}
    addresses = {
        "vcenter": f"127.0.0.1:{info['vcenter']['port']}, control {info['control']}" if info else "",
        "registry": str(info.get("registry", "")),
        **{name: "in the namespace" for name in found.processes if name.startswith("dhcp-")},
    }
    services = [(name, runs) for name, runs in found.processes.items() if not name.startswith("qemu-")]
    machines = [runs for name, runs in found.processes.items() if name.startswith("qemu-")]
    rows: list[tuple[str, ...]] = [
        (
            name,
            "running" if runs else "dead",
            "in the namespace" if name.startswith("dhcp-") else addresses.get(name, ""),
        )
        for name, runs in services
    ]
    if info and info["second"]:
        second = info["second"]
        rows.append(("", "", f"second 127.0.0.1:{second['vcenter']['port']}, control {second['control']}"))
    if info and info["accelerator"] != "none":
        rows.append(("VMs", f"{sum(machines)} on", f"accelerator {info['accelerator']}"))
    rows.append(("namespace", "present" if found.namespace else "absent", ""))
    return rows


def _become_root(command: list[str]) -> None:
    """Replace this process with the command, which is run by sudo."""
    say("The lab requires root for its network namespace; continuing under sudo.")
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Start, stop or show the lab.")
    commands = {"up": up, "down": down, "status": status}
    parser.add_argument("command", choices=[*commands, "hold"])
    parser.add_argument("overrides", nargs="?", default="{}", help="hold: changes of the configuration, in JSON")
    arguments = parser.parse_args()
    try:
        if arguments.command == "hold":
            return held.hold(arguments.overrides)
        return commands[arguments.command](Lab())
    except KeyboardInterrupt:
        raise LabError("Interrupted. `make lab-status` shows what is left; `make lab-down` removes it.") from None


if __name__ == "__main__":
    main_guard(main)
