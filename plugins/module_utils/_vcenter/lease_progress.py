# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of an import lease, which a thread reports while disks are sent and hosts write them.

vCenter aborts a lease without progress for five minutes, and a host may take longer to answer after the last byte.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import HttpsConnection

_KEEP_ALIVE_SECONDS = 20.0
# How soon a stop ends the wait for a host's answer.
_POLL_SECONDS = 0.5


def refuse_stopped(stopped: bool) -> None:
    if stopped:
        raise GantryError("The upload was stopped before it was complete. Run again.")


class LeaseProgress:
    """A context in which the lease is kept alive.

    If ``stop`` is set or the lease has ended, the upload in progress is broken off, and the reason raised.
    """

    def __init__(self, lease: Any, total: int, stop: threading.Event) -> None:
        self._lease = lease
        self._total = total or 1
        self._stop = stop
        self._before = 0  # the bytes of the disks that are complete
        self._sent = 0  # of the current disk
        self._connection: HttpsConnection | None = None
        self._failure: GantryError | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="gantry-lease", daemon=True)

    def __enter__(self) -> LeaseProgress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    @contextlib.contextmanager
    def of(self, connection: HttpsConnection, size: int) -> Iterator[None]:
        """Break off this connection, over which a disk of this size is sent, when the import ends early."""
        self._connection = connection
        try:
            yield
        except Exception:
            self._check()  # the cause, if the connection was broken off
            raise
        finally:
            self._connection = None
        self._before, self._sent = self._before + size, 0

    def sent(self, count: int) -> None:
        """Note how much of the current disk has been sent."""
        self._sent = count
        self._check()

    def _check(self) -> None:
        refuse_stopped(self._stop.is_set())
        if self._failure is not None:
            raise self._failure

    def _keep_alive(self) -> None:
        last = time.monotonic()
        while not self._done.wait(min(_POLL_SECONDS, _KEEP_ALIVE_SECONDS)):
            if time.monotonic() - last >= _KEEP_ALIVE_SECONDS:
                last = time.monotonic()
                self._report()
            if self._stop.is_set() or self._failure is not None:
                self._break_off()

    def _report(self) -> None:
        try:
            self._lease.HttpNfcLeaseProgress(min(99, (self._before + self._sent) * 100 // self._total))
        except GantryError as error:
            self._failure = error

    def _break_off(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.break_off()
