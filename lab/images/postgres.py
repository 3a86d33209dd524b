# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image "postgres", a PostgreSQL that is configured as Docker's stock image, and a next version of it.

It runs as its own user, keeps its data in the image's volume, reads the password from a file, and creates its database
cluster at the first start. The program is Debian's.
"""

from __future__ import annotations

from lab.images import debian_images
from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer
from lab.images.layout import Image

_DATA = "var/lib/postgresql/data"
_PROGRAMS = "/usr/lib/postgresql/15/bin"
_ENTRYPOINT = "usr/local/bin/docker-entrypoint.sh"
_SCRIPT = """#!/bin/sh
# Create the database cluster if there is none, and run the command, as the entrypoint of the stock image does.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ ! -s "${POSTGRES_PASSWORD_FILE:-}" ]; then
        echo "POSTGRES_PASSWORD_FILE must be the path of a file with the password of the superuser." >&2
        exit 1
    fi
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
fi
exec "$@"
"""


def build(root: DebianRoot, base: Blob, version: str) -> Image:
    """Return the image with a version, which is in a file and a label. Versions share their layers but the last."""
    config = {
        "Env": [
            f"PATH={_PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            f"PGDATA=/{_DATA}",
            "LANG=C.UTF-8",
        ],
        "Entrypoint": [f"/{_ENTRYPOINT}"],
        "Cmd": ["postgres", "-c", "listen_addresses=*"],
        "ExposedPorts": {"5432/tcp": {}},
        "StopSignal": "SIGINT",
        "User": "postgres",
        "Volumes": {f"/{_DATA}": {}},
        "Labels": {"org.opencontainers.image.title": "postgres", "org.opencontainers.image.version": version},
    }
    return Image([base, debian_images.packages(root, "postgres"), _setup(root), _version(version)], config)


def _setup(root: DebianRoot) -> Blob:
    uid, gid = root.user("postgres")
    layer = Layer()
    layer.file(_ENTRYPOINT, _SCRIPT, 0o755)
    layer.directory(_DATA, 0o700, uid, gid)
    # For the socket of local clients.
    layer.directory("run/postgresql", 0o3775, uid, gid)
    return layer.finish()


def _version(version: str) -> Blob:
    layer = Layer()
    layer.file("etc/image-version", f"{version}\n")
    return layer.finish()
