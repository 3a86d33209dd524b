# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container VM in QEMU without a vCenter: started with a guest document, watched over its port to the host.

The lab's vCenter program plays the host at the other end of the port (lab/vcenter/port.go).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import published_text
from devkit.console import CACHE
from guest.build.bootstrap import Build
from guest.build.lock import this_distribution
from lab import vcenter_binary

SPEC_KEY = "guestinfo.gantry.spec"
STATUS_KEY = "guestinfo.gantry.status"
LOG_KEY = "guestinfo.gantry.log"
# The memory of the smallest VM that boots by BIOS, in MiB, with the kernel of this distribution (guest.md, "Memory").
SMALLEST_MIB = {"debian-12": 96, "debian-13": 112, "ubuntu-24.04": 104}[this_distribution().key]
# Generous for an emulated processor on a busy machine: only a hang takes longer.
PATIENCE = 120.0
_OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
_OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")


@dataclass
class Hardware:
    """The virtual hardware of the machine."""

    memory_mib: int = 128
    boot: str = "kernel"  # kernel, bios or uefi
    disk_bus: str = "pvscsi"  # or virtio
    nic: str = "vmxnet3"  # or virtio-net-pci
    networks: int = 1  # 10.0.2.0/24 and so on; the guest may use .15
    served: bool = True  # by QEMU's DHCP server; otherwise no server responds
    isolated: bool = True  # DHCP then gives neither a gateway nor a name server
    spec_by: str = "guestinfo"  # or disk, or nothing
    uuid: str = "42190000-0000-4000-8000-000000000001"  # of the firmware
    forward: int | None = None  # a port of the guest, on the first network
    hot_add: bool = False  # whether a CPU and memory can be added while it runs


@dataclass
class Machine:
    """One run of QEMU."""

    bootstrap: Build
    directory: Path
    spec: dict[str, Any] | bytes
    image: Path | None
    scratch: Path | None = None
    hardware: Hardware = field(default_factory=Hardware)
    scratch_unit: int = 1
    volumes: Mapping[int, Path] = field(default_factory=dict)  # by their units

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.statuses: list[dict[str, Any]] = []
        self.values: dict[str, str] = {}
        self.guest: dict[str, Any] | None = None
        self.offers_operations = False
        self.forwarded = 0
        # QEMU's reason why the machine powered off: guest-shutdown, or guest-reset as after a kernel panic.
        self.shutdown_reason: str | None = None
        self._changed = threading.Condition()
        self.answers: list[str] = []
        self._port_closed = False

    # Start and end.

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start QEMU, and the host's side of its port."""
        events = _listen(self._path("events"))
        self._start_host()
        self.started_at = time.monotonic()
        with (self.directory / "qemu.log").open("wb") as log:
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._watch, args=(events,), daemon=True).start()

    def kill(self) -> None:
        """Kill QEMU, whatever the guest does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._host.kill()
        self._host.wait()

    def power_cut(self) -> None:
        """End QEMU as a power failure would end the machine."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def press_power_button(self) -> None:
        self._qmp("system_powerdown")

    def request_shutdown(self) -> None:
        """Request a shutdown as *Shut Down Guest* does."""
        self._tell_host({"request": "OS_Halt"})

    def set_document(self, spec: dict[str, Any]) -> None:
        """Set another document while the machine runs, as a client of vSphere does."""
        self._tell_host({"values": {SPEC_KEY: json.dumps(spec)}})

    def ask_tools(self, request: str) -> str:
        """Send a request of the host to the guest tools; return the answer."""
        return self._ask({"request": request})

    def exec(self, secret: str, *command: str, file: str = "", **arguments: Any) -> str:
        """Run a program by guest operations; return its result, or another file, or how it was refused."""
        document = json.dumps({"command": command, **arguments})
        return self._ask({"exec": {"secret": secret, "arguments": document, "file": file}})

    def deliver(self, secret: str, arguments: str) -> str:
        """Send a part of files; return how much has been received, or how it was refused."""
        return self._ask({"deliver": {"secret": secret, "arguments": arguments}})

    def _ask(self, question: dict[str, Any]) -> str:
        with self._changed:
            number = len(self.answers)
            self._tell_host(question)
            self._changed.wait_for(lambda: len(self.answers) > number or self._port_closed, PATIENCE)
        assert len(self.answers) > number, f"no answer to {question}; {self.describe()}"
        return self.answers[number]

    def pause(self, seconds: float) -> None:
        """Stop the guest for some time, and reset its port, as a suspend and resume do."""
        self._qmp("stop")
        time.sleep(seconds)
        with self._changed:
            self.statuses.clear()
            self.guest = None
        self._tell_host({"reset": True})
        self._qmp("cont")

    def add_cpu(self) -> None:
        """Add the second CPU to the running machine."""
        self._qmp("device_add", driver="max-x86_64-cpu", id="cpu1", **{"socket-id": 1, "core-id": 0, "thread-id": 0})

    def add_memory(self, mebibytes: int) -> None:
        """Add memory to the running machine."""
        self._qmp("object-add", id="memory1", size=mebibytes << 20, **{"qom-type": "memory-backend-ram"})
        self._qmp("device_add", driver="pc-dimm", id="dimm1", memdev="memory1")

    def wait_off(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait until the machine has powered itself off; return the last status."""
        self.wait_end(timeout)
        assert self.statuses, f"no status at all; {self.describe()}"
        return self.statuses[-1]

    def wait_end(self, timeout: float = PATIENCE) -> str | None:
        """Wait until QEMU has ended by itself for any reason; return the reason."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s; {self.describe()}") from None
        assert code == 0, f"QEMU ended with {code}; {self.describe()}"
        with self._changed:
            self._changed.wait_for(lambda: self._port_closed and self.shutdown_reason, 10)
        return self.shutdown_reason

    # Output of the guest.

    def wait_status(
        self, wanted: Callable[[dict[str, Any]], bool], what: str, timeout: float = PATIENCE
    ) -> dict[str, Any]:
        """Return the first status, past or future, that satisfies the predicate."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: next((item for item in self.statuses if wanted(item)), None) or self._port_closed, timeout
            )
        assert isinstance(found, dict), f"never {what}; {self.describe()}"
        return found

    def wait_state(self, state: str) -> dict[str, Any]:
        return self.wait_status(lambda status: status["state"] == state, state)

    def wait_guest(self) -> dict[str, Any]:
        """Wait for the host name and the addresses, and return them without link-local ones."""
        with self._changed:
            self._changed.wait_for(lambda: self.guest is not None or self._port_closed, PATIENCE)
        assert self.guest is not None, f"never announced itself; {self.describe()}"
        return self.guest

    def wait_operations(self) -> None:
        """Wait until the host knows that the guest offers guest operations."""
        with self._changed:
            self._changed.wait_for(lambda: self.offers_operations or self._port_closed, PATIENCE)
        assert self.offers_operations, f"no guest operations; {self.describe()}"

    def wait_log(self, text: str, after: int = 0) -> str:
        """Wait until the console has the text behind a position. Only for facts that the status does not have."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            console = self.console()
            if text in console[after:]:
                return console[after:]
            time.sleep(0.1)
        raise AssertionError(f"the console never said {text!r}; {self.describe()}")

    def log(self) -> str:
        """Return the container's output as it was published."""
        return published_text(self.values[LOG_KEY]) or ""

    def console(self) -> str:
        path = self.directory / "console.log"
        # QEMU creates it when it starts.
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def cpu_seconds(self) -> float:
        """Return the CPU time that QEMU has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str = "/") -> str:
        """Return an HTTP response from the forwarded port as soon as there is one."""
        deadline = time.monotonic() + PATIENCE
        url = f"http://127.0.0.1:{self.forwarded}{path}"
        while time.monotonic() < deadline and self.process.poll() is None:
            # Until the guest listens, QEMU accepts the connection and then closes it, or holds it.
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                return _fetch(url)
            time.sleep(0.02)
        raise AssertionError(f"no answer from {url}; {self.describe()}")

    def describe(self) -> str:
        """Return the known state of the machine, for messages."""
        last = self.statuses[-1] if self.statuses else None
        qemu = (self.directory / "qemu.log").read_text(errors="replace")
        return f"last status {last}; QEMU said {qemu!r}; the console ends with:\n{self.console()[-3000:]}"

    # Internals.

    def _path(self, name: str) -> str:
        path = self.directory / name
        path.unlink(missing_ok=True)
        return str(path)

    def _command(self) -> list[str]:
        hardware = self.hardware
        command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-machine", "q35", "-accel", "tcg,tb-size=64", "-cpu", "max"]
        command += ["-m", f"{hardware.memory_mib}M,slots=1,maxmem=4G" if hardware.hot_add else str(hardware.memory_mib)]
        if hardware.hot_add:
            command += ["-smp", "cpus=1,sockets=2,cores=1,threads=1,maxcpus=2"]
        command += ["-uuid", hardware.uuid]
        command += ["-chardev", f"file,id=console,path={self._path('console.log')}", "-serial", "chardev:console"]
        command += ["-chardev", f"socket,id=port,path={self.directory / 'port'}"]
        command += ["-device", "virtio-serial-pci,max_ports=2"]
        command += ["-device", "virtserialport,chardev=port,name=gantry.vmx"]
        command += ["-qmp", f"unix:{self._path('qmp')},server=on,wait=off"]
        command += ["-chardev", f"socket,id=events,path={self.directory / 'events'}"]
        command += ["-mon", "chardev=events,mode=control"]
        command += self._boot() + self._disks() + self._networks()
        return command

    def _boot(self) -> list[str]:
        if self.hardware.boot == "kernel":
            line = self.bootstrap.manifest["command_line"]
            return ["-kernel", str(self.bootstrap.kernel), "-initrd", str(self.bootstrap.initrd), "-append", line]
        command = ["-drive", f"if=none,id=cd,media=cdrom,readonly=on,file={self.bootstrap.iso}"]
        command += ["-device", "ide-cd,drive=cd,bus=ide.0", "-boot", "d"]
        if self.hardware.boot == "uefi":
            variables = self.directory / "vars.fd"
            shutil.copyfile(_OVMF_VARS, variables)
            command += ["-drive", f"if=pflash,format=raw,readonly=on,file={_OVMF_CODE}"]
            command += ["-drive", f"if=pflash,format=raw,file={variables}"]
        return command

    def _disks(self) -> list[str]:
        command = ["-device", "pvscsi,id=scsi0"] if self.hardware.disk_bus == "pvscsi" else []
        disks: list[tuple[int, Path, bool]] = []
        if self.image is not None:
            disks.append((0, self.image, True))
        if self.scratch is not None:
            disks.append((self.scratch_unit, self.scratch, False))
        disks += [(unit, path, False) for unit, path in self.volumes.items()]
        if self.hardware.spec_by == "disk":
            path = self.directory / "spec.img"
            path.write_bytes((b"GANTRYSPEC1\n" + self._document()).ljust(1 << 20, b"\0"))
            disks.append((5, path, True))
        for unit, path, read_only in disks:
            name = f"disk{unit}"
            options = "readonly=on,file.locking=off" if read_only else "readonly=off"
            command += ["-drive", f"if=none,id={name},format=raw,file={path},{options}"]
            if self.hardware.disk_bus == "pvscsi":
                command += ["-device", f"scsi-hd,bus=scsi0.0,scsi-id={unit},drive={name}"]
            else:
                command += ["-device", f"virtio-blk-pci,drive={name}"]
        return command

    def _networks(self) -> list[str]:
        hardware = self.hardware
        command = []
        for index in range(hardware.networks):
            options = (
                f"user,id=net{index},net=10.0.{2 + index}.0/24" if hardware.served else f"hubport,id=net{index},hubid=0"
            )
            if hardware.served and hardware.isolated:
                options += ",restrict=on"
            if index == 0 and hardware.forward is not None:
                self.forwarded = _free_port()
                options += f",hostfwd=tcp:127.0.0.1:{self.forwarded}-10.0.2.15:{hardware.forward}"
            mac = f"52:54:00:00:00:{index + 1:02x}"
            command += ["-netdev", options, "-device", f"{hardware.nic},netdev=net{index},mac={mac}"]
        return command

    def _document(self) -> bytes:
        return self.spec if isinstance(self.spec, bytes) else json.dumps(self.spec).encode()

    def _start_host(self) -> None:
        program = str(vcenter_binary.build(CACHE / "lab"))
        with (self.directory / "host.log").open("wb") as log:
            self._host = subprocess.Popen(
                [program, "-port", self._path("port")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        values = {SPEC_KEY: self._document().decode()} if self.hardware.spec_by == "guestinfo" else {}
        self._tell_host({"values": values})
        assert self._host.stdout is not None
        assert json.loads(self._host.stdout.readline()) == {"listening": True}

    def _tell_host(self, command: dict[str, Any]) -> None:
        assert self._host.stdin is not None
        self._host.stdin.write(json.dumps(command).encode() + b"\n")
        self._host.stdin.flush()

    def _listen(self) -> None:
        assert self._host.stdout is not None
        for line in self._host.stdout:
            self._take(json.loads(line))
        with self._changed:
            self._port_closed = True
            self._changed.notify_all()

    def _watch(self, listener: socket.socket) -> None:
        monitor, _address = listener.accept()
        listener.close()
        monitor.sendall(b'{"execute": "qmp_capabilities"}')
        with monitor.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if message.get("event") == "SHUTDOWN":
                    with self._changed:
                        self.shutdown_reason = message["data"]["reason"]
                        self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            for key, value in message.get("set", {}).items():
                self.values[key] = value
                if key == STATUS_KEY:
                    self.statuses.append(json.loads(value))
                    if self.statuses[-1]["state"] in ("exited", "error"):
                        # The end is recorded: the machine need not stay on any longer.
                        with contextlib.suppress(OSError):  # QEMU may have been ended by the test
                            self.request_shutdown()
            if "guest" in message:
                self.guest = _configured(message["guest"])
                self.offers_operations = message["guest"]["operations"]
            if "answer" in message:
                self.answers.append(message["answer"])
            self._changed.notify_all()

    def _qmp(self, command: str, **arguments: Any) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.directory / "qmp"))
            with connection.makefile("rw") as stream:
                stream.readline()
                for execute, given in (("qmp_capabilities", {}), (command, arguments)):
                    stream.write(json.dumps({"execute": execute, "arguments": given}) + "\n")
                    stream.flush()
                    while "return" not in (answer := json.loads(stream.readline())):
                        assert "error" not in answer, answer


def _configured(guest: dict[str, Any]) -> dict[str, Any] | None:
    """Return a report without link-local addresses, or None if no adapter has another one yet."""
    nics = []
    for nic in guest["nics"] or ():
        addresses = [address for address in nic["addresses"] if not address.startswith("fe80:")]
        if addresses:
            nics.append({"mac": nic["mac"], "addresses": addresses})
    return {"hostname": guest["hostname"], "nics": nics} if nics and guest["hostname"] else None


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=0.5) as response:
        return str(response.read().decode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
