# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one file of an OCI artifact from a registry, as ``oras push`` stores it: each file is a blob with its name."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._oci import manifest as manifests
from ansible_collections.gantry.vsphere.plugins.module_utils._oci import skopeo
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import MAX_FILE_BYTES, PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference

_TITLE = "org.opencontainers.image.title"


def fetch_artifact_file(reference: Reference, suffix: str, options: PullOptions, cache: Cache) -> Path:
    """Return the file of an artifact whose name ends with the suffix, or its only file, as a verified blob."""
    name = str(reference)
    raw = skopeo.read_manifest(reference, options)
    if reference.digest is not None:
        manifests.check_digest(raw, reference.digest, "manifest", name)
    file = _select_file(raw, suffix, name)
    path = cache.verified_blob(file.digest)
    if path is None:
        with cache.workspace() as work:
            exact = reference.by_digest(manifests.sha256_digest(raw))
            skopeo.pull(exact, work / "layout", cache.blobs, options, cache.lock, exact=True)
        path = cache.verified_blob(file.digest)
    if path is None:
        raise GantryError(
            f"The artifact '{name}' cannot be used: its file {file.digest} did not arrive with that digest. Run again, "
            "and push the artifact again if that does not help.",
            details={"image": name, "cause": "blob_damaged"},
        )
    return path


def _select_file(raw: bytes, suffix: str, name: str) -> manifests.Descriptor:
    document = manifests.manifest_document(raw, "manifest", name)
    if "manifests" in document:
        raise manifests.refusal(
            name, "it is an index of several images. Give the digest of one artifact", "unsupported"
        )
    files: list[manifests.Descriptor] = []
    titled: list[manifests.Descriptor] = []
    titles: list[str] = []
    for entry in document.required("layers", document.children):
        title = (entry.text_map("annotations") or {}).get(_TITLE, "")
        files.append(manifests.parse_descriptor(entry))
        if title:
            titles.append(title)
        if title.lower().endswith(suffix):
            titled.append(files[-1])
    candidates = titled or files
    if len(candidates) != 1:
        names = listed(titles) or "without names"
        raise manifests.refusal(
            name, f"it has {len(files)} files ({names}), and exactly one *{suffix} is required", "unsupported"
        )
    (file,) = candidates
    if file.size > MAX_FILE_BYTES:
        raise manifests.refusal(name, f"its file has {file.size} bytes, the limit is {MAX_FILE_BYTES}", "limit")
    return file
