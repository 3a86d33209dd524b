# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image "tiny": one static program (busybox) in one layer, which serves a page on port 80."""

from __future__ import annotations

from lab.images.debian import DebianRoot
from lab.images.layer import Layer
from lab.images.layout import Image

PAGE = "tiny\n"
_APPLETS = (
    "cat chmod chown date df env echo expr false free grep head hostname id ifconfig ip kill ln ls mkdir mount"
    " nc ping printenv printf ps pwd rm sed seq sh sleep stat sync test touch true tail uname vi wc wget whoami"
).split()
_PASSWD = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
_GROUP = "root:x:0:\nnobody:x:65534:\n"


def build(root: DebianRoot, architecture: str = "amd64") -> Image:
    """Return the image. Another architecture is only declared: the collection must refuse such an image."""
    layer = Layer()
    layer.file("bin/busybox", root.content("usr/bin/busybox"), 0o755)
    for applet in _APPLETS:
        layer.symlink(f"bin/{applet}", "busybox")
    layer.file("etc/passwd", _PASSWD)
    layer.file("etc/group", _GROUP)
    layer.directory("tmp", 0o1777)
    layer.file("www/index.html", PAGE)
    config = {
        "Env": ["PATH=/bin"],
        "Entrypoint": ["/bin/busybox"],
        "Cmd": ["httpd", "-f", "-p", "80", "-h", "/www"],
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"org.opencontainers.image.title": "tiny"},
    }
    return Image([layer.finish()], config, architecture)
