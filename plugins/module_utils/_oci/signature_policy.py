# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature policy for images in files, with the rules of containers-policy.json(5).

Images in registries are checked by skopeo. Files have no signatures, so a policy that requires one refuses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import DOCKER_ARCHIVE, FileTransport

_ACCEPT, _REJECT = "insecureAcceptAnything", "reject"
_SIGNED = ("signedBy", "signedBaseLayer", "sigstoreSigned")
_SYSTEM = Path("/etc/containers/policy.json")


def check_policy(source: FileTransport, policy: Path | None, image: str) -> None:
    """Raise GantryError unless the policy accepts images without signatures from this source."""
    path = policy or _default_policy()
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise GantryError(
            f"The signature policy {path} cannot be read: {error.strerror}. Give one with signature_policy, or install "
            "the package that contains /etc/containers/policy.json (golang-github-containers-common on Debian, "
            "containers-common on Fedora).",
            details={"image": image, "cause": "signature_policy"},
        ) from None
    document = parse_document(raw, f"The signature policy {path}", {"image": image, "cause": "signature_policy"})
    owner, key = _place(document, source)
    requirements = owner.required(key, owner.children)
    if not requirements:
        owner.refuse(key, "is empty")
    for requirement in requirements:
        kind = requirement.required("type", requirement.text)
        if kind == _ACCEPT:
            continue
        if kind not in (_REJECT, *_SIGNED):
            requirement.refuse("type", f"is {kind[:80]!r}, which is not supported")
        reason = "rejects it" if kind == _REJECT else f"requires a signature ({kind}), and images in files have none"
        raise GantryError(
            f"The image '{image}' cannot be read from '{source}': the signature policy {path} {reason}. Push the image "
            "to a registry and import it from there, or change the policy for this source.",
            details={"image": image, "cause": "signature_refused"},
        )


def _default_policy() -> Path:
    own = Path.home() / ".config" / "containers" / "policy.json"
    return own if own.exists() else _SYSTEM


def _place(document: Document, source: FileTransport) -> tuple[Document, str]:
    """Return where the requirements are: of the most exact scope, of the transport, or the default."""
    transports = document.child("transports")
    scopes = None if transports is None else transports.child(source.transport)
    if scopes is not None:
        for scope in _scopes(source):
            if scope in scopes:
                return scopes, scope
    return document, "default"


def _scopes(source: FileTransport) -> Iterator[str]:
    """Yield the scopes of a source: its path and the folders above it, then all of the transport."""
    if source.transport != DOCKER_ARCHIVE:  # the policy of other tools has no scopes for it
        path = Path(source.path).resolve()
        yield from (str(place) for place in (path, *path.parents) if place != place.parent)
    yield ""
