# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image "redis", which keeps its state in a volume directory and runs as its own user."""

from __future__ import annotations

from lab.images import debian_images
from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer
from lab.images.layout import Image

DATA = "data"


def build(root: DebianRoot, base: Blob) -> Image:
    """Return the image."""
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Entrypoint": ["redis-server"],
        "Cmd": ["--dir", f"/{DATA}", "--appendonly", "yes", "--bind", "0.0.0.0", "--protected-mode", "no"],
        "ExposedPorts": {"6379/tcp": {}},
        "User": "redis",
        "Volumes": {f"/{DATA}": {}},
        "WorkingDir": f"/{DATA}",
        "Healthcheck": {"Test": ["CMD", "redis-cli", "ping"], "Interval": 5_000_000_000, "Timeout": 5_000_000_000},
        "Labels": {"org.opencontainers.image.title": "redis"},
    }
    return Image([base, debian_images.packages(root, "redis"), _data(root)], config)


def _data(root: DebianRoot) -> Blob:
    uid, gid = root.user("redis")
    layer = Layer()
    layer.directory(DATA, 0o750, uid, gid)
    return layer.finish()
