# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content-addressed cache of blobs and disks. Concurrent runs share it, and any of them may be killed.

lock                      held shared by every user of the cache, exclusively to clean up and prune
blobs/sha256/<hex>        blobs from registries, verified when used
disks/<id>.vmdk, .json    a disk exists when its .json does, which is renamed into place last
locks/<id>                held by the run that makes the disk
work/<random>/            temporary files of a run; abandoned when the cache can be locked exclusively
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

ENVIRONMENT = "GANTRY_IMAGE_CACHE"
DEFAULT_MAX_BYTES = 20 << 30
_BLOCK = 1 << 20
_SMALL_BLOB = 8 << 20  # manifests and configurations; registries do not take larger ones


@dataclass(frozen=True)
class CachedDisk:
    """A disk in the cache, with the configuration of its image."""

    digest: str
    disk_id: str
    config: dict[str, Any]
    vmdk: Path
    vmdk_bytes: int
    capacity_bytes: int
    squashfs_bytes: int


def default_root() -> Path:
    """Return the default directory of the cache."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore relative paths.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "gantry" / "images"


class Cache:
    """An open cache. Its files stay until it is closed; keep it open while they are in use."""

    def __init__(self, root: Path | None = None, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.root = root or default_root()
        self.blobs = self.root / "blobs"
        self._disks = self.root / "disks"
        self._locks = self.root / "locks"
        self._work = self.root / "work"
        self._max_bytes = max_bytes
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.blobs / "sha256", self._disks, self._locks, self._work):
                folder.mkdir(parents=True, exist_ok=True)
            self.lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise GantryError(
                f"The image cache {self.root} cannot be used: {error.strerror}. Choose another directory with the "
                f"option cache_path or the environment variable {ENVIRONMENT}.",
                details={"cause": "cache"},
            ) from error
        self._tidy()
        fcntl.flock(self.lock, fcntl.LOCK_SH)

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the files of the cache. If no other run uses it, prune it to its maximum size."""
        self._tidy()
        os.close(self.lock)

    def blob_path(self, digest: str) -> Path:
        """Return the path of the blob with this digest, whether it exists or not."""
        algorithm, _colon, value = digest.partition(":")
        return self.blobs / algorithm / value

    def read_blob(self, digest: str) -> bytes | None:
        """Return a small blob, if it exists and is undamaged."""
        try:
            with self.blob_path(digest).open("rb") as file:
                data = file.read(_SMALL_BLOB)
        except FileNotFoundError:
            return None
        return data if f"sha256:{hashlib.sha256(data).hexdigest()}" == digest else None

    def touch_blob(self, digest: str) -> bool:
        """Mark a blob as used now; return whether it exists."""
        try:
            os.utime(self.blob_path(digest))
        except FileNotFoundError:
            return False
        return True

    def verified_blob(self, digest: str) -> Path | None:
        """Return the path of a blob whose whole content was verified; None if it does not exist or was damaged."""
        path = self.blob_path(digest)
        if not self.touch_blob(digest):
            return None
        found = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
        if f"sha256:{found.hexdigest()}" == digest:
            return path
        self.discard_blob(digest)
        return None

    def store_blob(self, made: Path, digest: str) -> Path:
        """Move a file of a workspace, whose digest was verified, into the cache."""
        _sync(made)
        return made.replace(self.blob_path(digest))

    def discard_blob(self, digest: str) -> None:
        """Remove a damaged blob, so that it is pulled again."""
        self.blob_path(digest).unlink(missing_ok=True)

    def find_disk(self, disk_id: str) -> CachedDisk | None:
        """Return the disk with this content id, if it exists."""
        record = self._disks / f"{disk_id}.json"
        vmdk = self._disks / f"{disk_id}.vmdk"
        try:
            facts = json.loads(record.read_bytes())
            disk = CachedDisk(vmdk=vmdk, **facts)
            if vmdk.stat().st_size != disk.vmdk_bytes:
                return None
            os.utime(record)
        except (OSError, ValueError, TypeError):
            return None  # absent, or written by a version with other fields: it is created again
        return disk

    @contextlib.contextmanager
    def making_disk(self, disk_id: str) -> Iterator[None]:
        """Hold the lock of a disk: one run creates it, the others wait and then find it."""
        with (self._locks / disk_id).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """Yield a temporary directory in the file system of the cache."""
        with tempfile.TemporaryDirectory(dir=self._work, ignore_cleanup_errors=True) as path:
            yield Path(path)

    def store_disk(self, made: Path, facts: dict[str, Any]) -> CachedDisk:
        """Move a finished VMDK into the cache. ``facts`` are the fields of CachedDisk except ``vmdk``."""
        disk_id = facts["disk_id"]
        disk = CachedDisk(vmdk=self._disks / f"{disk_id}.vmdk", **facts)
        record = made.with_suffix(".json")
        record.write_text(json.dumps(facts))
        for path in (made, record):
            _sync(path)
        made.replace(disk.vmdk)
        record.replace(self._disks / f"{disk_id}.json")
        _sync(self._disks)
        return disk

    def _tidy(self) -> None:
        """Remove files of killed runs and the least recently used files, unless another run uses the cache."""
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for folder in (self._work, self._locks):
            for path in folder.iterdir():
                _remove(path)
        self._prune()

    def _prune(self) -> None:
        total = 0
        uses: list[tuple[float, int, tuple[Path, ...]]] = []
        records = {path.stem for path in self._disks.glob("*.json")}
        for path in self._disks.glob("*.vmdk"):
            record = path.with_suffix(".json")
            if path.stem not in records:
                path.unlink()  # the run that created it was killed between the two renames
                continue
            uses.append((record.stat().st_mtime, path.stat().st_size, (record, path)))
        for path in (self.blobs / "sha256").iterdir():
            status = path.stat()
            uses.append((status.st_mtime, status.st_size, (path,)))
        total = sum(size for _used, size, _paths in uses)
        for _used, size, paths in sorted(uses):
            if total <= self._max_bytes:
                return
            for path in paths:
                path.unlink(missing_ok=True)
            total -= size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
