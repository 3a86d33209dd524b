# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record background processes, and end them in a later run without ending an unrelated process."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabError

# Seconds to wait after SIGTERM, and after SIGKILL. The vCenter ends its VMs before itself.
TERM_SECONDS = 20.0
KILL_SECONDS = 10.0


@dataclass(frozen=True)
class ProcessRecord:
    """Identify a process uniquely, since PIDs are reused. The hypervisor (process.go) writes the same format."""

    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> ProcessRecord:
        """Return the record of a running process."""
        state = _state(pid)
        if state is None:
            raise LabError(f"Process {pid} ended before it could be recorded.")
        return cls(pid, state[1], _boot_id())

    @classmethod
    def read(cls, path: Path) -> ProcessRecord | None:
        """Read a record. Return None if the file does not exist or is incomplete after a crash."""
        try:
            content = json.loads(path.read_text())
            return cls(int(content["pid"]), int(content["start_ticks"]), str(content["boot_id"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self)))
        temporary.replace(path)

    def alive(self) -> bool:
        state = _state(self.pid)
        return state is not None and state == ("running", self.start_ticks) and self.boot_id == _boot_id()

    def end(self, term_seconds: float = TERM_SECONDS) -> bool:
        """End the process, first by SIGTERM. Return whether there was a process to end."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The handle refers to the process that had the PID when it was opened, so it is checked afterwards.
            if not self.alive():
                return False
            for number, seconds in ((signal.SIGTERM, term_seconds), (signal.SIGKILL, KILL_SECONDS)):
                if seconds <= 0:
                    continue
                if _signal_and_wait(handle, number, seconds):
                    return True
            raise LabError(f"Process {self.pid} does not end, not even after SIGKILL.")
        finally:
            os.close(handle)


def _signal_and_wait(handle: int, number: signal.Signals, seconds: float) -> bool:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _state(pid: int) -> tuple[str, int] | None:
    """Return the state, "running" or "dead" (a zombie), and the start in ticks since boot. None: no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the command, may contain spaces and parentheses: count from the last closing one.
    fields = stat[stat.rindex(")") + 1 :].split()
    return ("dead" if fields[0] in "ZX" else "running"), int(fields[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def spawn(command: list[str], log: Path, record: Path, *, bound: bool = False) -> subprocess.Popen[bytes]:
    """Start a background process with a record. Its output goes to the log.

    A bound process gets SIGTERM when the calling thread, usually the whole process, ends in any way.
    """
    if bound:
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    ProcessRecord.of(process.pid).write(record)
    return process
