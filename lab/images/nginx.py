# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image "nginx", whose six layers change each other as those of real images do.

Later layers change, remove and replace what earlier layers have. Tests refer to the result by the names below.
"""

from __future__ import annotations

from lab.images import debian_images
from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer
from lab.images.layout import Image

PAGE = "nginx, second layer's page\n"
WEB_ROOT = "var/www/html"
CAP_NET_RAW = 13
APP_UID = 1500
APP_GID = 1500
EXTRA_GID = 1600


def build(root: DebianRoot, base: Blob) -> Image:
    """Return the image."""
    layers = [base, debian_images.packages(root, "nginx"), _site(), _changed_site(), _users(root), _slimmed()]
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GANTRY_IMAGE=nginx"],
        "Entrypoint": ["/usr/sbin/nginx"],
        "Cmd": ["-g", "daemon off;"],
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
        "Healthcheck": {
            "Test": ["CMD-SHELL", "busybox wget -q -O /dev/null http://127.0.0.1/ || exit 1"],
            "Interval": 5_000_000_000,
            "Timeout": 5_000_000_000,
            "Retries": 3,
        },
        "Labels": {"org.opencontainers.image.title": "nginx"},
    }
    return Image(layers, config)


def _site() -> Blob:
    """Make a first version of the site."""
    layer = Layer()
    layer.file(f"{WEB_ROOT}/index.html", "nginx, first layer's page\n")
    layer.file(f"{WEB_ROOT}/removed.html", "a later layer removes this page\n")
    layer.file(f"{WEB_ROOT}/old/first.html", "hidden by an opaque directory\n")
    layer.file(f"{WEB_ROOT}/old/deeper/second.html", "hidden by an opaque directory\n")
    layer.file(f"{WEB_ROOT}/kept/first.html", "kept: the directory is only added to\n")
    layer.file(f"{WEB_ROOT}/file-then-directory", "a later layer has a directory here\n")
    layer.file(f"{WEB_ROOT}/directory-then-file/inner.html", "a later layer has a file in place of the directory\n")
    layer.file(f"{WEB_ROOT}/link-primary.html", "one content, three names\n")
    layer.hardlink(f"{WEB_ROOT}/link-second.html", f"{WEB_ROOT}/link-primary.html")
    layer.hardlink(f"{WEB_ROOT}/link-third.html", f"{WEB_ROOT}/link-primary.html")
    layer.symlink("var/log/nginx/access.log", "/dev/stdout")
    layer.symlink("var/log/nginx/error.log", "/dev/stderr")
    return layer.finish()


def _changed_site() -> Blob:
    """Change, remove and replace what the layer below has."""
    layer = Layer()
    layer.file(f"{WEB_ROOT}/index.html", PAGE)
    layer.remove(f"{WEB_ROOT}/removed.html")
    layer.empty(f"{WEB_ROOT}/old")
    layer.file(f"{WEB_ROOT}/old/new.html", "all there is in this directory\n")
    layer.file(f"{WEB_ROOT}/kept/second.html", "beside the first\n")
    layer.file(f"{WEB_ROOT}/file-then-directory/inner.html", "in a directory where a file was\n")
    layer.file(f"{WEB_ROOT}/directory-then-file", "a file where a directory was\n")
    # The other two links to its content stay.
    layer.remove(f"{WEB_ROOT}/link-primary.html")
    return layer.finish()


def _users(root: DebianRoot) -> Blob:
    """Add a user with a supplementary group, and files that belong to both."""
    layer = Layer()
    passwd = root.content("etc/passwd").decode() + f"app:x:{APP_UID}:{APP_GID}:app:/srv/app:/bin/sh\n"
    group = root.content("etc/group").decode() + f"app:x:{APP_GID}:\nextra:x:{EXTRA_GID}:app\n"
    layer.file("etc/passwd", passwd)
    layer.file("etc/group", group)
    layer.directory("srv/app", 0o2750, APP_UID, APP_GID)
    layer.file("srv/app/private", "app's\n", 0o600, APP_UID, APP_GID)
    layer.file("srv/app/shared", "extra's\n", 0o640, 0, EXTRA_GID)
    layer.file("usr/local/bin/ping", root.content("usr/bin/busybox"), 0o755, capability=CAP_NET_RAW)
    return layer.finish()


def _slimmed() -> Blob:
    """Remove a whole directory, that of the package manager, as images do to become smaller."""
    layer = Layer()
    layer.remove("var/lib/dpkg")
    layer.symlink("usr/local/bin/web", "../../sbin/nginx")
    return layer.finish()
