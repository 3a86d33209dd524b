# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OCI image layout: find an image by its name in the index, and read blobs with their digests verified."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import LayerError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive_files import Files, read_small
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import require_digest, sha256_digest

_NAME = "org.opencontainers.image.ref.name"
_INDEX = "index.json"


def blob_name(digest: str) -> str:
    """Return the name of the file of a blob. The digest was checked to be one."""
    return f"blobs/sha256/{digest.partition(':')[2]}"


def read_blob(files: Files, digest: str) -> bytes:
    """Return a manifest or a configuration."""
    data = read_small(files, blob_name(digest))
    found = sha256_digest(data)
    if found != digest:
        raise LayerError(f"Its blob {digest} is damaged: its content has the digest {found}.", "blob_damaged")
    return data


def selected_manifest(files: Files, name: str | None, image: str) -> bytes:
    """Return the manifest or index that a name selects; without a name the only one."""
    subject = f"The file {_INDEX} of the image '{image}'"
    index = parse_document(read_small(files, _INDEX), subject, {"image": image, "cause": "unsupported"})
    entries = index.required("manifests", index.children)
    chosen = {entry.required("digest", entry.text) for entry in entries if name is None or _name_of(entry) == name}
    if len(chosen) != 1:
        names = listed(sorted({repr(found) for entry in entries if (found := _name_of(entry)) is not None}))
        wanted = "no name selects one of them" if name is None else f"{name!r} selects {len(chosen)} of them"
        raise LayerError(
            f"It has {len(entries)} images, with the names {names or 'of none'}, and {wanted}. Write the name after "
            "the path and a colon.",
            "image_not_found",
        )
    (digest,) = chosen
    require_digest(digest, image)
    return read_blob(files, digest)


def _name_of(entry: Document) -> str | None:
    return (entry.text_map("annotations") or {}).get(_NAME)
