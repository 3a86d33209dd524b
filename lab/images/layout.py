# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an image as an OCI image layout: a folder of blobs and an index."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.images.debian import EPOCH
from lab.images.layer import Blob, sha256

_MEDIA = "application/vnd.oci.image."
# The name of the one image in a layout.
TAG = "1"


@dataclass(frozen=True)
class Image:
    """The layers of an image from the lowest to the highest, and the "config" object of its configuration."""

    layers: Sequence[Blob]
    config: Mapping[str, Any]
    architecture: str = "amd64"


class LayoutWriter:
    """Write one image layout."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)

    def image(self, image: Image) -> dict[str, Any]:
        """Write the blobs of the image, and return the descriptor of its manifest."""
        created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).isoformat().replace("+00:00", "Z")
        config = {
            "created": created,
            "architecture": image.architecture,
            "os": "linux",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in image.layers]},
            "history": [{"created": created, "created_by": "gantry.vsphere lab"} for _layer in image.layers],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}manifest.v1+json",
            "config": self._json(config, "config.v1+json"),
            "layers": [self._blob(layer.data, "layer.v1.tar+gzip") for layer in image.layers],
        }
        descriptor = self._json(manifest, "manifest.v1+json")
        return {**descriptor, "platform": {"architecture": image.architecture, "os": "linux"}}

    def index(self, manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write an image index, one reference for several platforms, and return its descriptor."""
        content = {"schemaVersion": 2, "mediaType": f"{_MEDIA}index.v1+json", "manifests": manifests}
        return self._json(content, "index.v1+json")

    def finish(self, descriptor: Mapping[str, Any]) -> None:
        """Complete the layout with the image that it is for."""
        entry = {key: value for key, value in descriptor.items() if key != "platform"}
        entry["annotations"] = {"org.opencontainers.image.ref.name": TAG}
        index = {"schemaVersion": 2, "manifests": [entry]}
        (self._folder / "index.json").write_text(json.dumps(index))
        (self._folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))

    def _json(self, content: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return self._blob(json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), kind)

    def _blob(self, data: bytes, kind: str) -> dict[str, Any]:
        digest = sha256(data)
        (self._blobs / digest.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": f"{_MEDIA}{kind}", "digest": digest, "size": len(data)}
