# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the content of a layer as chunks, decompressed in a thread, with both digests verified and a size limit."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import LayerError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.decompress import decompress
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import Layer
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits

_CHUNK = 1 << 20
_CHUNKS_AHEAD = 4


class Budget:
    """Limit for the total decompressed content of all layers of an image."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._total = 0

    def spend(self, count: int) -> None:
        """Account for content; raise LayerError if it exceeds the limit."""
        self._total += count
        if self._total > self._limits.content_bytes:
            raise LayerError(f"The image has more than {self._limits.content_bytes} bytes of content.", "limit")


class LayerStream:
    """Reads one layer in chunks. Reading to the end verifies it; leaving the context ends threads and programs."""

    def __init__(self, path: Path, layer: Layer, limits: Limits, budget: Budget) -> None:
        self._path = path
        self._layer = layer
        self._limits = limits
        self._budget = budget
        self._expanded = 0
        self._queue = _Queue(_CHUNKS_AHEAD)
        self._diff_id = hashlib.sha256()
        self._blob_digest = ""
        # Hashing and decompressing release the GIL, so each can use its own core.
        self._hasher = threading.Thread(target=self._hash_blob, daemon=True)
        self._producer = threading.Thread(target=self._produce, daemon=True)
        self._hasher.start()
        self._producer.start()

    def __enter__(self) -> LayerStream:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._queue.close()
        self._producer.join()
        self._hasher.join()

    def expect(self, count: int) -> None:
        """Account for content that is not stored: the holes of a sparse file."""
        self._account(count)

    def chunks(self) -> Iterator[bytes]:
        """Yield the content; raise LayerError for damage, and after the last chunk for a wrong digest."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            self._account(len(item))
            yield item
        self.verify_blob()
        found = f"sha256:{self._diff_id.hexdigest()}"
        if found != self._layer.diff_id:
            raise LayerError(f"The content has the digest {found}, and the configuration gives {self._layer.diff_id}.")

    def verify_blob(self) -> None:
        """Raise LayerError if the blob in the cache does not match the manifest."""
        self._hasher.join()
        if self._blob_digest != self._layer.digest:
            raise LayerError("The blob in the cache is damaged or truncated.", "blob_damaged")

    def _account(self, count: int) -> None:
        self._expanded += count
        limits = self._limits
        if self._expanded > limits.ratio_from_bytes and self._expanded > limits.ratio * max(self._layer.size, 1):
            raise LayerError(f"The layer expands to more than {limits.ratio} times its size.", "limit")
        self._budget.spend(count)

    def _hash_blob(self) -> None:
        digest = hashlib.sha256()
        # An unreadable blob counts as damaged.
        with contextlib.suppress(OSError), self._path.open("rb", buffering=0) as file:
            while (chunk := file.read(_CHUNK)) and not self._queue.closed:
                digest.update(chunk)
            self._blob_digest = f"sha256:{digest.hexdigest()}"

    def _produce(self) -> None:
        try:
            with self._path.open("rb", buffering=0) as file, contextlib.closing(self._decompress(file)) as chunks:
                for chunk in chunks:
                    self._diff_id.update(chunk)
                    if not self._queue.put(chunk):
                        return
            self._queue.put(None)
        except Exception as error:  # noqa: BLE001 - the reader raises it
            self._queue.put(error)

    def _decompress(self, file: IO[bytes]) -> Generator[bytes, None, None]:
        size = os.fstat(file.fileno()).st_size
        if size != self._layer.size:
            raise LayerError(f"The blob has {size} bytes, and the manifest gives {self._layer.size}.")
        return decompress(file, self._layer.media_type)


class _Queue:
    """A bounded queue whose put() returns False after its reader has closed it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[bytes | Exception | None] = deque()
        self._changed = threading.Condition()
        self.closed = False

    def put(self, item: bytes | Exception | None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._size or self.closed)
            self._items.append(item)
            self._changed.notify_all()
            return not self.closed

    def get(self) -> bytes | Exception | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items))
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
