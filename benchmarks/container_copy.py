# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare copies by container_vm_copy with the transfer of the same archive by vSphere's API alone.

The transfers alone neither compute digests nor look up the container, so they are the limit of the transport: the
host's HTTPS, and the packets of at most 62 KiB that are relayed to the guest: one that is not booted, which is a part
of the lab's vCenter, and one that is booted, with an emulated processor and a virtio-serial port.
"""

from __future__ import annotations

import io
import json
import os
import ssl
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from benchmarks.measure import report
from benchmarks.playing import bench
from tests.support.guests.vcenter import find, session
from tests.support.lab.drive import drive
from tests.support.lab.iso import make_iso

# pyVmomi's classes have constructors without types.
_TYPES: Any = vim
HYPERVISORS = ("none", "qemu")
SIZE = 64 << 20
PATIENCE = 1800

_NAME, _KEY, _FOLDER = "bench-copy", "key of a benchmark", "/tmp"
Info = Mapping[str, Any]


@dataclass(frozen=True)
class Guest:
    """The guest operations of the container by the API alone."""

    content: Any
    vm: Any
    secret: str

    def start(self, **arguments: Any) -> int:
        spec = _TYPES.vm.guest.ProcessManager.ProgramSpec(programPath="/gantry/copy", arguments=json.dumps(arguments))
        return int(self.content.guestOperationsManager.processManager.StartProgramInGuest(self.vm, self._login(), spec))

    def wait(self, pid: int) -> None:
        processes = self.content.guestOperationsManager.processManager
        while not (shown := processes.ListProcessesInGuest(self.vm, self._login(), [pid])[0]).endTime:
            time.sleep(0.05)
        assert shown.exitCode == 0, shown

    def put(self, pid: int, archive: bytes) -> None:
        url = self.content.guestOperationsManager.fileManager.InitiateFileTransferToGuest(
            self.vm,
            self._login(),
            f"/gantry/copy/{pid}/archive",
            _TYPES.vm.guest.FileManager.PosixFileAttributes(),
            len(archive),
            True,
        )
        _request(urllib.request.Request(url, data=archive, method="PUT"))

    def get(self, pid: int) -> bytes:
        while (url := self._url(f"/gantry/copy/{pid}/archive")) is None:
            time.sleep(0.05)
        return _request(urllib.request.Request(url))

    def _url(self, path: str) -> str | None:
        """Return the URL of a file, or None if it cannot be read yet."""
        files = self.content.guestOperationsManager.fileManager
        try:
            return str(files.InitiateFileTransferFromGuest(self.vm, self._login(), path).url)
        except vim.fault.CannotAccessFile:
            return None

    def _login(self) -> Any:
        return _TYPES.vm.guest.NamePasswordAuthentication(
            username="gantry", password=self.secret, interactiveSession=False
        )


def _request(request: urllib.request.Request) -> bytes:
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE  # the host has a certificate of its own
    with urllib.request.urlopen(request, timeout=PATIENCE, context=unverified) as answer:
        content: bytes = answer.read()
    return content


def _run(info: Info, module: str, **options: Any) -> dict[str, Any]:
    result = drive(module, {**info["vcenter"], "request_timeout": PATIENCE, **options})
    if result.get("failed"):
        raise SystemExit(result["msg"])
    return result


def _start(info: Info, folder: Path) -> None:
    datastore = {"datastore": info["datastore"]}
    image = info["images"]["tiny"]
    _run(info, "bootstrap_image", src=info.get("bootstrap_iso") or str(make_iso(folder, "9.9.1")), **datastore)
    _run(info, "container_image", name=image, registry_tls_verify=False, **datastore)
    _run(
        info,
        "container_vm",
        name=_NAME,
        image=image,
        command=["sh", "-c", "mkdir -p /tmp; exec sleep 100000"],
        memory="96M",
        stop_timeout=1,
        networks=[{"name": "VM Network"}],
        guest_operations=True,
        guest_key=_KEY,
        wait_timeout=600,
        **datastore,
    )


def _rate(size: int, work: Callable[[], Any]) -> float:
    """Return the KiB per second that the work copies."""
    begin = time.monotonic()
    work()
    return size / 1024 / (time.monotonic() - begin)


def _archive(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("alone")
        entry.size, entry.mode = len(content), 0o600
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _alone(info: Info, content: bytes) -> tuple[float, float]:
    """Return the rates in and out of the API alone."""
    archive = _archive(content)
    with session(info) as service:
        vm = find(service, vim.VirtualMachine, _NAME)
        (identity,) = (option.value for option in vm.config.extraConfig if option.key == "gantry.id")
        guest = Guest(service, vm, GuestKey(_KEY).secret(identity))

        def send() -> None:
            pid = guest.start(action="unpack", path=_FOLDER, size=len(archive))
            guest.put(pid, archive)
            guest.wait(pid)

        def receive() -> None:
            assert content in guest.get(guest.start(action="pack", path=f"{_FOLDER}/alone"))

        return _rate(len(content), send), _rate(len(content), receive)


def _by_module(info: Info, content: bytes, folder: Path) -> tuple[float, float]:
    """Return the rates in and out of the module."""
    source, back = folder / "source", folder / "back"
    source.write_bytes(content)
    options = {"name": _NAME, "guest_key": _KEY, "container_path": f"{_FOLDER}/data"}
    rates = (
        _rate(len(content), lambda: _run(info, "container_vm_copy", path=str(source), **options)),
        _rate(len(content), lambda: _run(info, "container_vm_copy", dest=str(back), **options)),
    )
    if back.read_bytes() != content:
        raise SystemExit("The file that was copied back has another content.")
    return rates


def _rows(hypervisor: str) -> list[tuple[str, Any]]:
    """Measure a container of the lab with this hypervisor."""
    content = os.urandom(SIZE)
    with bench(images=["tiny"], hypervisor=hypervisor) as one, tempfile.TemporaryDirectory() as folder:
        _start(one.info, Path(folder))
        module_in, module_out = _by_module(one.info, content, Path(folder))
        alone_in, alone_out = _alone(one.info, content)
    what = f"{SIZE >> 20} MiB, {'booted' if hypervisor == 'qemu' else 'not booted'}"
    return [
        (f"container_vm_copy, {what}, in, KiB/s", module_in),
        (f"the transport alone, {what}, in, KiB/s", alone_in),
        (f"container_vm_copy, {what}, out, KiB/s", module_out),
        (f"the transport alone, {what}, out, KiB/s", alone_out),
    ]


def main() -> None:
    report("container_copy", [row for hypervisor in HYPERVISORS for row in _rows(hypervisor)])


if __name__ == "__main__":
    main()
