# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an image is read from, in the form of containers-transports(5): ``oci-archive:/srv/app.tar:1.0``. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference, parse_reference

REGISTRY, OCI, OCI_ARCHIVE, DOCKER_ARCHIVE = "docker", "oci", "oci-archive", "docker-archive"
_FILES = (OCI, OCI_ARCHIVE, DOCKER_ARCHIVE)
_FORMS = "docker://REFERENCE, oci:PATH[:NAME], oci-archive:PATH[:NAME] and docker-archive:PATH[:REFERENCE]"


@dataclass(frozen=True)
class FileTransport:
    """An image in files where the task runs. ``name`` selects one of several; None: there is only one."""

    transport: str
    path: str
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}" + ("" if self.name is None else f":{self.name}")


def parse_transport(text: str) -> Reference | FileTransport:
    """Return the image that a source names: a reference in a registry, or files."""
    transport, colon, rest = text.partition(":")
    if colon and transport == REGISTRY and rest.startswith("//"):
        return parse_reference(rest[2:])
    if not colon or transport not in _FILES:
        raise GantryError(
            f"The source {text!r} cannot be read. These forms are supported: {_FORMS}.", details={"source": text}
        )
    path, colon, name = rest.partition(":")
    if not path.startswith("/"):
        raise GantryError(
            f"The source {text!r} has the path {path!r}, which is not absolute. Write the whole path, as it is on the "
            "machine where the task runs.",
            details={"source": text},
        )
    if colon and not name:
        raise GantryError(f"The source {text!r} ends in a colon. Add the name of the image, or leave out the colon.")
    return FileTransport(transport, path, name or None)
