# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of a VM's extraConfig that hold the data of its container. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import parse_object
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import unpack

IMAGE_PREFIX = "gantry-image-"
SUCCESSOR_SUFFIX = "-gantry-next"
PREDECESSOR_SUFFIX = "-gantry-previous"
KIND_CONTAINER = "container"
KIND_SUCCESSOR = "successor"
# A VM that another one has replaced, and which is kept until the update is over.
KIND_PREDECESSOR = "predecessor"
# The kinds of the VMs that a container can have.
KINDS_OF_CONTAINERS = (KIND_CONTAINER, KIND_SUCCESSOR, KIND_PREDECESSOR)
KIND_IMAGE = "image"

SCHEMA = "gantry.schema"
KIND = "gantry.kind"
CONTAINER_ID = "gantry.id"
HASH = "gantry.hash"
IMAGE = "gantry.image"
DIGEST = "gantry.image.digest"
DISK = "gantry.image.disk"
LABELS = "gantry.labels"
CONFIG = "gantry.config"
# The addresses that the container has been given on networks with an address pool, or by its task.
ADDRESSES = "gantry.addresses"
# The names by which other containers of its networks find the container, and the record of the table of names that was
# written last. Its guest reads the table.
NAMES = "gantry.names"
NAMES_TABLE = "gantry.names.table"
GUEST_NAMES = "guestinfo.gantry.names"
IMAGE_CONFIG = "gantry.image.config"
IMAGE_REFERENCES = "gantry.image.references"
IMAGE_STATE = "gantry.image.state"
IMAGE_IMPORT = "gantry.image.import"
SPEC = "guestinfo.gantry.spec"
STATUS = "guestinfo.gantry.status"
LOG = "guestinfo.gantry.log"
# Persistent copies of the three: vSphere can drop guestinfo keys that are set while the VM is on when it powers off.
KEPT_SPEC = "gantry.spec"
KEPT_STATUS = "gantry.status"
KEPT_LOG = "gantry.log"
# Set while a container is off because a task has stopped it to change it, if the state of the task does not say that
# it runs afterwards.
START_PENDING = "gantry.start_pending"
# The status and the log before the guest reports. What it sets of keys that exist at power on can survive power off.
NOT_REPORTED = "{}"
# The kept status of a container that was started, until its end is recorded.
STARTED = '{"state":"started"}'
# vSphere's own key: disks show their UUIDs to the guest.
DISK_UUID = "disk.EnableUUID"

# A clone inherits its source's extraConfig; these keys describe a template and do not apply to a container.
OF_TEMPLATES_ONLY = (IMAGE_CONFIG, IMAGE_REFERENCES, IMAGE_STATE, IMAGE_IMPORT)
SCHEMA_VERSION = "1"
TRUE = "true"


def option_path(key: str) -> str:
    """Return the property path of one key, so that the rest of extraConfig is not read."""
    return f'config.extraConfig["{key}"]'


def option(row: Mapping[str, Any], key: str) -> str | None:
    """Return the value of one key from properties that were read by option_path, or None."""
    value = row.get(option_path(key))
    text = getattr(value, "value", value)
    return unpack(str(text)) if text else None


def options(row: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, str]:
    """Return the values of those of several keys that are set."""
    return {key: value for key in wanted if (value := option(row, key)) is not None}


def decode_labels(text: str | None) -> dict[str, str]:
    return {key: value for key, value in (parse_object(text) or {}).items() if isinstance(value, str)}


def encode_addresses(addresses: Iterable[str]) -> str:
    """Return the record of a container's addresses, without prefix lengths; empty if it has none."""
    return " ".join(addresses)


def decode_addresses(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").split())
