# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that only complete uploads are accepted, and that only complete ISOs are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.apply import apply_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import FOLDER, Iso, read_iso
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    LocalFile,
    ObservedBootstrap,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe import find_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.plan import plan_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from tests.support.lab.iso import make_iso

PLACE = f"[shared0] {FOLDER}"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass
class DatastoreOfFiles:
    """A session with one datastore, whose files are a dictionary."""

    files: dict[str, bytes] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    transmit: Callable[[bytes], bytes | None] = lambda content: content
    """The part of an upload that arrives; None: nothing."""

    @property
    def session(self) -> Session:
        return cast(Session, self)

    @property
    def datastore(self) -> Entry:
        browser = SimpleNamespace(SearchDatastore_Task=lambda **_options: self._search())
        return Entry("shared0", "/DC0/shared0", "Datastore", "ds0", "ds0-ref", properties={"browser": browser})

    @property
    def content(self) -> Any:
        manager = SimpleNamespace(
            MakeDirectory=lambda **_options: None,
            MoveDatastoreFile_Task=lambda **options: self._move(options["sourceName"], options["destinationName"]),
        )
        return SimpleNamespace(fileManager=manager, about=SimpleNamespace(instanceUuid="uuid"))

    def inventory(self, **_options: Any) -> Any:
        return SimpleNamespace(datastore=lambda _name: self.datastore)

    def read(self, _refs: Any, _properties: Any) -> list[Any]:
        return [self.datastore.properties]

    def ref(self, kind: str, moid: str) -> str:
        return f"{kind}:{moid}"

    def run_one(self, job: Any, _report: Any) -> Any:
        return job.start()

    def upload_file(self, source: Path, *, datastore: Entry, path: str, report: Any) -> None:
        arrived = self.transmit(source.read_bytes())
        if arrived is not None:
            self.files[path] = arrived

    def download_file(self, *, datastore: Entry, path: str, max_bytes: int) -> bytes | None:
        content = self.files.get(path)
        return None if content is None else content[:max_bytes]

    def _search(self) -> Any:
        rows = [
            SimpleNamespace(path=path.rpartition("/")[2], fileSize=len(content), modification=self.changed.get(path))
            for path, content in self.files.items()
        ]
        return SimpleNamespace(file=rows)

    def _move(self, source: str, destination: str) -> None:
        self.files[destination.partition("] ")[2]] = self.files.pop(source.partition("] ")[2])


@pytest.fixture
def iso(tmp_path: Path) -> Iso:
    return read_iso(make_iso(tmp_path, "9.9.1"), "The ISO")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return the directory of the locks."""
    monkeypatch.setenv("GANTRY_IMAGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def file(iso: Iso, tmp_path: Path) -> Path:
    """Return the file of the ISO."""
    (path,) = tmp_path.glob("*.iso")
    return path


def upload(store: DatastoreOfFiles, iso: Iso, file: Path) -> None:
    request = BootstrapRequest(True, LocalFile(file), None, version=None, datacenter=None, datastore=None)
    observed = ObservedBootstrap("datacenter-1", "ds0", "shared0", iso=iso)
    apply_bootstrap(store.session, request, observed, plan_bootstrap(request, observed), lambda _text: None)


def test_a_complete_upload_gets_its_name(iso: Iso, file: Path) -> None:
    store = DatastoreOfFiles()
    upload(store, iso, file)
    assert store.files == {f"{FOLDER}/{iso.name}": file.read_bytes()}
    assert find_bootstrap(store.session, [store.datastore]) == f"{PLACE}/{iso.name}"


@pytest.mark.parametrize("arrives", [0, 1, 40_000, 300_000, -1])
def test_a_truncated_upload_keeps_its_temporary_name(iso: Iso, file: Path, arrives: int) -> None:
    store = DatastoreOfFiles(transmit=lambda content: content[:arrives])
    found = len(file.read_bytes()[:arrives])
    with pytest.raises(
        GantryError, match=f"is incomplete: {iso.size} bytes were sent, and the datastore has {found} bytes"
    ):
        upload(store, iso, file)
    assert f"{FOLDER}/{iso.name}" not in store.files
    with pytest.raises(GantryError, match="There is no bootstrap ISO in"):
        find_bootstrap(store.session, [store.datastore])


def test_an_upload_without_a_file_is_an_error(iso: Iso, file: Path) -> None:
    with pytest.raises(GantryError, match="and the datastore has no such file"):
        upload(DatastoreOfFiles(transmit=lambda _content: None), iso, file)


def test_a_file_that_changes_during_its_upload_keeps_its_temporary_name(iso: Iso, file: Path) -> None:
    """Check it with a file that keeps its size, because it is written in place."""

    def transmit(content: bytes) -> bytes:
        file.write_bytes(content[:-1] + b"x")
        return content

    store = DatastoreOfFiles(transmit=transmit)
    with pytest.raises(GantryError, match="changed while it was uploaded"):
        upload(store, iso, file)
    assert f"{FOLDER}/{iso.name}" not in store.files


def store_of(file: Path, **sizes: int) -> DatastoreOfFiles:
    """Return a datastore with an ISO for each version, the later ones newer, each truncated to its size."""
    store = DatastoreOfFiles()
    for number, (version, size) in enumerate(sizes.items()):
        path = f"{FOLDER}/gantry-bootstrap-{version}-0123456789ab.iso"
        store.files[path] = file.read_bytes()[:size]
        store.changed[path] = START + timedelta(hours=number)
    return store


def test_the_newest_complete_iso_is_found(iso: Iso, file: Path) -> None:
    store = store_of(file, old=iso.size, new=iso.size, cut=iso.size - 1, empty=0)
    assert find_bootstrap(store.session, [store.datastore]) == f"{PLACE}/gantry-bootstrap-new-0123456789ab.iso"


def test_a_running_upload_is_not_found(iso: Iso, file: Path) -> None:
    store = store_of(file, old=iso.size)
    store.files[f"{FOLDER}/{iso.name}.part-01234567"] = file.read_bytes()
    assert find_bootstrap(store.session, [store.datastore]) == f"{PLACE}/gantry-bootstrap-old-0123456789ab.iso"


def test_if_no_iso_is_complete_each_is_reported(iso: Iso, file: Path) -> None:
    store = store_of(file, old=1_000, new=400_000)
    with pytest.raises(GantryError) as refusal:
        find_bootstrap(store.session, [store.datastore])
    assert "There is no complete bootstrap ISO in [shared0] gantry/bootstrap" in refusal.value.message
    assert (
        "gantry-bootstrap-old-0123456789ab.iso: it ends in its descriptors, after 1000 bytes" in refusal.value.message
    )
    assert f"gantry-bootstrap-new-0123456789ab.iso: its descriptor says {iso.size} bytes" in refusal.value.message
    assert "Run bootstrap_image with datastore: shared0 first" in refusal.value.message


def test_an_iso_without_a_time_is_the_oldest(iso: Iso, file: Path) -> None:
    store = store_of(file, dated=iso.size, undated=iso.size)
    del store.changed[f"{FOLDER}/gantry-bootstrap-undated-0123456789ab.iso"]
    assert find_bootstrap(store.session, [store.datastore]) == f"{PLACE}/gantry-bootstrap-dated-0123456789ab.iso"
