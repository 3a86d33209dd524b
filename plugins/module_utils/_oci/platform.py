# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the entry of an image index for a platform, as containers/image (Podman, skopeo) and containerd (Docker) do.

For linux/amd64 both take the entry without a variant, wherever it is, and never v2, v3 or v4: the processors of the
hosts may lack the instructions that these require. Of equal entries the first wins. An entry that only one of the two
accepts comes after all that both accept: containerd accepts other spellings (x86_64), v1, and entries without an
operating system; containers/image accepts entries that require features of the operating system. Entries without a
platform come last. containerd's fallback from amd64 to 386 is not implemented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LINUX = "linux"
_ATTESTATION = "vnd.docker.reference.type"
_UNFIT = 4

_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
}
# The variant that every processor of an architecture supports.
_BASE_VARIANTS = {"amd64": ("v1",), "arm64": ("v8", "8")}


@dataclass(frozen=True)
class Platform:
    """The platform of a manifest, from an index or a configuration; fields that are not given are empty."""

    os: str = ""
    architecture: str = ""
    variant: str = ""
    features: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (self.os or "unknown", self.architecture or "unknown", self.variant)
        return "/".join(part for part in parts if part)


@dataclass(frozen=True)
class IndexEntry:
    """One entry of an image index."""

    digest: str
    nested: bool
    """It is an index itself."""
    platform: Platform | None
    attestation: bool = False


def is_attestation(annotations: dict[str, str] | None) -> bool:
    """Return whether this is an attestation manifest of BuildKit, which describes another manifest."""
    return _ATTESTATION in (annotations or {})


def runs_on(found: Platform, architecture: str) -> bool:
    """Return whether an image with the platform in its configuration runs there; the variant is ignored."""
    return found.os.lower() in ("", LINUX) and _architecture(found) == architecture


def choose_entries(entries: Sequence[IndexEntry], architecture: str) -> list[IndexEntry]:
    """Return the entries that may hold the image for Linux and this architecture, the best first."""
    ranked = [(_rank(entry, architecture), entry) for entry in entries if not entry.attestation]
    return [entry for rank, entry in sorted(ranked, key=lambda pair: pair[0]) if rank < _UNFIT]


def _rank(entry: IndexEntry, architecture: str) -> int:
    if entry.platform is None:
        return 3
    plain = Platform(LINUX, architecture)
    if _normalized(entry.platform) != plain:
        return _UNFIT
    if entry.platform.features:
        return 2
    return 0 if entry.platform == plain else 1


def _normalized(platform: Platform) -> Platform:
    architecture = _architecture(platform)
    variant = platform.variant.lower()
    if variant in _BASE_VARIANTS.get(architecture, ()):
        variant = ""
    return Platform(platform.os.lower() or LINUX, architecture, variant)


def _architecture(platform: Platform) -> str:
    name = platform.architecture.lower()
    return _ARCHITECTURES.get(name, name)
