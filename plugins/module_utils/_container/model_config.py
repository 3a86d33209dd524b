# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired configuration of a container: the values of its options. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import document_hash
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_hooks import HOOK_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import MIN_SCRATCH_DISK
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_ports import redirects_of
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import (
    FileOption,
    HealthcheckOption,
    NetworkOption,
    NfsOption,
    TmpfsOption,
    VolumeOption,
    plain,
)


@dataclass(frozen=True)
class Config:
    """A container's configuration: the value of each option of the table; None means the image's value.

    ``gantry.hash`` is the hash of its document.
    """

    values: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the configuration by option name, as recorded in ``gantry.config``."""
        return dict(self._document)

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        # It is compared and recorded many times.
        return {option.name: plain(self.values[option.name]) for option in OPTIONS}

    def hash(self) -> str:
        return document_hash(self.document())

    def guest_fields(self) -> dict[tuple[str, ...], Any]:
        """Return the option values that go unchanged into the guest document, by their place in it."""
        return {
            option.guest: plain(self.values[option.name])
            for option in OPTIONS
            if option.guest and (self.values[option.name] or not option.omit_empty)
        }

    @property
    def image(self) -> str:
        return str(self.values["image"])

    @property
    def hostname(self) -> str:
        return str(self.values["container_hostname"])

    @property
    def memory_mb(self) -> int:
        return int(self.values["memory"]) // MIB

    @property
    def cpus(self) -> int:
        return int(self.values["cpus"])

    @property
    def networks(self) -> tuple[NetworkOption, ...]:
        return tuple(self.values["networks"])

    @property
    def volumes(self) -> tuple[VolumeOption, ...]:
        """Return the volumes of both options."""
        mounts = (one for one in self.values["mounts"] if isinstance(one, VolumeOption))
        return (*self.values["volumes"], *mounts)

    @property
    def tmpfs(self) -> tuple[TmpfsOption, ...]:
        """Return the tmpfs of both options."""
        mounts = (one for one in self.values["mounts"] if isinstance(one, TmpfsOption))
        return (*self.values["tmpfs"], *mounts)

    @property
    def nfs(self) -> tuple[NfsOption, ...]:
        return tuple(one for one in self.values["mounts"] if isinstance(one, NfsOption))

    @property
    def healthcheck(self) -> HealthcheckOption | None:
        found: HealthcheckOption | None = self.values["healthcheck"]
        return found

    @property
    def hooks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the commands after the start and before the stop as they are in the guest document."""
        given = {name: [hook.guest_document() for hook in self.values[name]] for name in HOOK_OPTIONS}
        return {name: hooks for name, hooks in given.items() if hooks}

    @property
    def labels(self) -> Mapping[str, str]:
        return dict(self.values["labels"])

    @property
    def redirects(self) -> list[dict[str, Any]]:
        """Return the redirected ports as they are in the guest document."""
        return redirects_of(self.values["published_ports"])

    @property
    def files(self) -> tuple[FileOption, ...]:
        """Return the files and the secrets, in the order in which they are delivered."""
        return tuple(file for option in FILE_OPTIONS for file in self.values[option])

    @property
    def scratch_bytes(self) -> int | None:
        """Return the size of the scratch disk, or None if the container has none."""
        return scratch_bytes_of(self.values)


def scratch_bytes_of(values: Mapping[str, Any]) -> int | None:
    """Return the size of the scratch disk from a configuration or the record of one; None if there is none."""
    if values.get("read_only"):
        # Without a writable layer, the disk only keeps the files and the log.
        return MIN_SCRATCH_DISK if any(values.get(option) for option in FILE_OPTIONS) else None
    if values.get("writable") != "disk":
        return None
    size = values.get("scratch_size")
    return size if isinstance(size, int) else None
