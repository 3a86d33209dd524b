# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the layers of Debian packages: one base for all images, and one more for each program."""

from __future__ import annotations

from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer

_GROUPS = {
    "nginx": frozenset({"nginx", "nginx-common"}),
    "redis": frozenset({"redis-server", "redis-tools", "libatomic1", "libjemalloc2", "liblua5.1-0", "liblzf1"}),
}


def base(root: DebianRoot) -> Blob:
    """Return the layer that all images share."""
    layer = Layer()
    layer.copy(root, root.of(_GROUPS, ""))
    return layer.finish()


def packages(root: DebianRoot, program: str) -> Blob:
    """Return the layer with the packages of a program."""
    layer = Layer()
    layer.copy(root, root.of(_GROUPS, program))
    return layer.finish()
