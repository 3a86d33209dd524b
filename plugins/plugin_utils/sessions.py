# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vCenter sessions that outlive a task: in this process for the items of a loop, on disk for the next task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import SessionSource
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session_cache import CookieCache
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

# Ansible ends a worker without notice, so only sessions that the next task finds on disk are kept in this process:
# any other would stay open in vCenter.
_KEPT: dict[ConnectionSettings, Session] = {}


def session_source(*, on_disk: bool) -> SessionSource:
    """Return the source of sessions for an operation; ``on_disk`` says whether cookies may be stored on disk."""

    @contextmanager
    def lend(params: Mapping[str, Any]) -> Iterator[Session]:
        settings = ConnectionSettings.from_params(params)
        session = _KEPT.pop(settings, None)
        if session is None:
            session = Session(settings, CookieCache.default() if on_disk else None)
        session.begin_task()
        try:
            yield session
        finally:
            if session.cached:
                _KEPT[settings] = session
            else:
                session.close()

    return lend
