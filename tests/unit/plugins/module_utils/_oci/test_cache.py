# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the cache: its location, its content, and the effects of concurrent and killed runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache, default_root
from tests.support.builders.oci import digest_of

DIGEST = f"sha256:{'1' * 64}"


def store(cache: Cache, disk_id: str, size: int = 1000, used: float | None = None) -> Path:
    with cache.workspace() as work:
        made = work / "disk.vmdk"
        made.write_bytes(b"v" * size)
        facts = {"digest": DIGEST, "disk_id": disk_id, "config": {"a": 1}, "vmdk_bytes": size}
        disk = cache.store_disk(made, {**facts, "capacity_bytes": 5, "squashfs_bytes": 4})
    if used is not None:
        os.utime(disk.vmdk.with_suffix(".json"), (used, used))
    return disk.vmdk


def store_blob(cache: Cache, data: bytes, used: float) -> Path:
    path = cache.blob_path(digest_of(data))
    path.write_bytes(data)
    os.utime(path, (used, used))
    return path


def test_the_directory_depends_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ops")
    monkeypatch.delenv("GANTRY_IMAGE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_root() == Path("/home/ops/.cache/gantry/images")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_root() == Path("/home/ops/.cache/gantry/images")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ops")
    assert default_root() == Path("/var/cache/ops/gantry/images")
    monkeypatch.setenv("GANTRY_IMAGE_CACHE", "/srv/images")
    assert default_root() == Path("/srv/images")


def test_other_users_cannot_read_a_cache(tmp_path: Path) -> None:
    with Cache(tmp_path / "a" / "cache") as cache:
        assert cache.root.stat().st_mode & 0o777 == 0o700


def test_an_unusable_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GantryError, match=r"cannot be used: Not a directory.*GANTRY_IMAGE_CACHE"):
        Cache(tmp_path / "file" / "cache")


def test_a_stored_disk_is_found_by_every_later_run(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        vmdk = store(cache, "ab")
    with Cache(tmp_path) as cache:
        disk = cache.find_disk("ab")
        assert disk is not None
        assert (disk.vmdk, disk.vmdk_bytes, disk.config, disk.digest) == (vmdk, 1000, {"a": 1}, DIGEST)
        assert cache.find_disk("cd") is None


@pytest.mark.parametrize("damage", ["truncated", "gone", "other facts", "no facts"])
def test_an_incomplete_disk_is_not_found(tmp_path: Path, damage: str) -> None:
    with Cache(tmp_path) as cache:
        vmdk = store(cache, "ab")
        record = vmdk.with_suffix(".json")
        if damage == "truncated":
            os.truncate(vmdk, 999)
        elif damage == "gone":
            vmdk.unlink()
        else:
            record.write_text('{"vmdk_bytes": 1000}' if damage == "other facts" else "")
        assert cache.find_disk("ab") is None
        store(cache, "ab")
        assert cache.find_disk("ab") is not None


def test_a_blob_is_read_only_when_it_is_undamaged(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        path = store_blob(cache, b"{}", 1)
        assert cache.read_blob(digest_of(b"{}")) == b"{}"
        path.write_bytes(b"[]")
        assert cache.read_blob(digest_of(b"{}")) is None
        assert cache.read_blob(DIGEST) is None


def test_the_least_recently_used_files_are_removed_first(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        old, young = store(cache, "aa", used=100), store(cache, "bb", used=300)
        used, blob = store(cache, "cc", used=50), store_blob(cache, b"b" * 1000, 200)
        assert cache.find_disk("cc") is not None  # which is a use
    Cache(tmp_path, max_bytes=2500).close()
    assert [path.exists() for path in (old, blob, young, used)] == [False, False, True, True]
    assert not old.with_suffix(".json").exists()
    Cache(tmp_path, max_bytes=0).close()
    assert not any(path.is_file() for path in (tmp_path / "disks").iterdir())


def test_a_cache_in_use_is_not_pruned(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache, cache.workspace() as work:
        vmdk = store(cache, "aa")
        Cache(tmp_path, max_bytes=0).close()
        assert vmdk.exists()
        assert work.exists()
    Cache(tmp_path, max_bytes=0).close()
    assert not vmdk.exists()


def test_a_disk_is_created_by_one_run_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []
    with Cache(tmp_path) as cache:

        def make() -> None:
            with Cache(tmp_path) as other, other.making_disk("aa"):
                order.append("second")

        with cache.making_disk("aa"):
            thread = threading.Thread(target=make)
            thread.start()
            with cache.making_disk("bb"):
                thread.join(0.3)
            order.append("first")
        thread.join()
    assert order == ["first", "second"]


KILLED = """
import subprocess, sys, time
from pathlib import Path
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
cache = Cache(Path(sys.argv[1]))
with cache.making_disk("aa"), cache.workspace() as work:
    (work / "half").write_text("x")
    # As between the two renames.
    (cache.root / "disks" / "aa.vmdk").write_text("half a disk")
    child = subprocess.Popen(["sleep", "60"], pass_fds=(cache.lock,), stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_files_of_a_killed_run_are_removed_after_its_children_have_ended(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    command = [sys.executable, "-c", KILLED, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
    with Cache(root) as cache:
        assert list((root / "work").iterdir()), "a child may still be writing there"
        with cache.making_disk("aa"):
            assert cache.find_disk("aa") is None
    os.kill(child, signal.SIGKILL)
    deadline = threading.Event()
    for _attempt in range(100):
        Cache(root).close()
        if not list((root / "work").iterdir()):
            break
        deadline.wait(0.05)
    assert not list((root / "work").iterdir())
    assert not list((root / "disks").iterdir())
    assert not list((root / "locks").iterdir())
