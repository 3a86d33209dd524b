# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the lab's vCenter that knows nothing of the modules."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyVim.connect import SmartConnect


@contextmanager
def session(info: Mapping[str, Any]) -> Iterator[Any]:
    """Log in to a vCenter, yield its content, and log out."""
    vcenter = info["vcenter"]
    access = {"host": vcenter["hostname"], "port": vcenter["port"], "user": vcenter["username"]}
    context = ssl.create_default_context(cafile=vcenter["ca_path"])
    instance = SmartConnect(**access, pwd=vcenter["password"], sslContext=context)
    try:
        yield instance.content
    finally:
        instance.content.sessionManager.Logout()


def find(content: Any, kind: Any, name: str) -> Any:
    """Return the object of a kind with a name, or None."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    try:
        return next((found for found in view.view if found.name == name), None)
    finally:
        view.DestroyView()
