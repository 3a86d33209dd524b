# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The template VM of an image, and the image's properties in its extraConfig. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import (
    canonical_json,
    parse_object,
    parse_strings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import pack, unpack

NAME_PREFIX = "gantry-image-"
SNAPSHOT = "gantry-base"
SCHEMA = "1"
KIND = "image"
IMPORTING = "importing"
READY = "ready"

KEY_SCHEMA = "gantry.schema"
KEY_KIND = "gantry.kind"
KEY_REFERENCE = "gantry.image"
KEY_DIGEST = "gantry.image.digest"
KEY_DISK = "gantry.image.disk"
KEY_CONFIG = "gantry.image.config"
KEY_REFERENCES = "gantry.image.references"
KEY_STATE = "gantry.image.state"
KEY_IMPORT = "gantry.image.import"
KEYS = (
    KEY_SCHEMA,
    KEY_KIND,
    KEY_REFERENCE,
    KEY_DIGEST,
    KEY_DISK,
    KEY_CONFIG,
    KEY_REFERENCES,
    KEY_STATE,
    KEY_IMPORT,
)


@dataclass(frozen=True)
class Claim:
    """The machine that makes an import, and its start by vCenter's clock, which tell running from abandoned imports."""

    controller: str
    started: datetime

    def encoded(self) -> str:
        return canonical_json({"controller": self.controller, "started": self.started.isoformat()})

    @classmethod
    def decoded(cls, text: str | None) -> Claim | None:
        fields = parse_object(text) or {}
        try:
            started = datetime.fromisoformat(fields["started"])
            claim = cls(controller=str(fields["controller"]), started=started)
        except (KeyError, TypeError, ValueError):
            return None
        return claim if started.tzinfo is not None else None


@dataclass(frozen=True)
class ImageTemplate:
    """One VM of kind ``image``: a template that containers are cloned from, or an import that is not one yet."""

    moid: str
    name: str
    folder: str
    path: str
    datastore: str
    is_template: bool
    has_snapshot: bool
    state: str
    reference: str
    references: tuple[str, ...]
    digest: str
    disk: str
    config: Mapping[str, Any]
    claim: Claim | None = None
    # The MoID of the host that it is registered on, and its configuration file.
    host: str = ""
    config_file: str = ""
    # When the VM was created, which is the time of the import, and the space of its files; None: vCenter does not tell.
    imported: datetime | None = None
    size_bytes: int | None = None
    # It is going to be registered again, and then has another MoID.
    gets_new_moid: bool = False

    @property
    def ready(self) -> bool:
        return self.state == READY and bool(self.digest and self.disk)


def template_names(digest: str, disk: str, datastore_moid: str) -> tuple[str, str]:
    """Return the name of an image's template, and the name to use if the first is taken on another datastore."""
    name = f"{NAME_PREFIX}{digest.partition(':')[2][:12]}-{disk[:8]}"
    return name, f"{name}-{datastore_moid}"


def extra_config(
    *,
    reference: str,
    references: tuple[str, ...],
    digest: str,
    disk: str,
    config: Mapping[str, Any],
    claim: Claim,
) -> dict[str, str]:
    """Return the extraConfig that an import begins with."""
    return {
        KEY_SCHEMA: SCHEMA,
        KEY_KIND: KIND,
        KEY_DIGEST: digest,
        KEY_DISK: disk,
        KEY_CONFIG: pack(canonical_json(config)),
        **importing_values(reference=reference, references=references, claim=claim),
    }


def importing_values(*, reference: str, references: tuple[str, ...], claim: Claim) -> dict[str, str]:
    """Return the values that a copy of a template does not take over from it."""
    return {
        KEY_REFERENCE: reference,
        KEY_REFERENCES: encoded_references(references),
        KEY_STATE: IMPORTING,
        KEY_IMPORT: claim.encoded(),
    }


def ready_values() -> dict[str, str]:
    """Return the values that end an import: the template is an image, and no longer claimed."""
    return {KEY_STATE: READY, KEY_IMPORT: ""}


def encoded_references(references: tuple[str, ...]) -> str:
    return canonical_json(sorted(references))


def decoded_references(text: str | None) -> tuple[str, ...]:
    return tuple(sorted(parse_strings(text)))


def decode(
    values: Mapping[str, str],
    *,
    moid: str,
    name: str,
    folder: str,
    path: str,
    datastore: str,
    is_template: bool,
    has_snapshot: bool,
    host: str = "",
    config_file: str = "",
    imported: datetime | None = None,
    size_bytes: int | None = None,
) -> ImageTemplate | None:
    """Return the image that a VM's extraConfig describes; None if it is no image. Missing fields are empty."""
    if values.get(KEY_KIND) != KIND:
        return None
    return ImageTemplate(
        moid=moid,
        name=name,
        folder=folder,
        path=path,
        datastore=datastore,
        is_template=is_template,
        has_snapshot=has_snapshot,
        state=values.get(KEY_STATE, ""),
        reference=values.get(KEY_REFERENCE, ""),
        references=decoded_references(values.get(KEY_REFERENCES)),
        digest=values.get(KEY_DIGEST, ""),
        disk=values.get(KEY_DISK, ""),
        config=parse_object(unpack(values.get(KEY_CONFIG, ""))) or {},
        claim=Claim.decoded(values.get(KEY_IMPORT)),
        host=host,
        config_file=config_file,
        imported=imported,
        size_bytes=size_bytes,
    )
