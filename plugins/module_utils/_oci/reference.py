# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Image references, parsed and normalized as container tools do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

DEFAULT_REGISTRY = "docker.io"

_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?\Z")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_NAME_LENGTH = 255


@dataclass(frozen=True)
class Reference:
    """An image in a registry. If there is a digest, it selects the image and the tag is for display only."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """Return the registry and the repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def pull(self) -> str:
        """Return the reference to request from the registry."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    def by_digest(self, digest: str) -> Reference:
        """Return the reference of a manifest in the same repository."""
        return Reference(self.registry, self.repository, self.tag, digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def is_digest(text: object) -> TypeGuard[str]:
    """Return whether this is a SHA-256 digest as manifests write it."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


def parse_reference(text: str) -> Reference:
    """Return the full reference: ``nginx`` is ``docker.io/library/nginx:latest``. Raise GantryError if invalid."""
    if not text:
        raise _invalid(text, "it is empty")
    if "://" in text:
        raise _invalid(text, "write it without a scheme, as registry/repository:tag")
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise _invalid(text, f"'{digest}' is not a digest; write sha256: and 64 hexadecimal digits")
    rest, tag = _split_tag(rest)
    if tag is not None and not _TAG.match(tag):
        raise _invalid(text, f"'{tag}' is not a tag; tags are at most 128 letters, digits, '_', '.' and '-'")
    registry, repository = _split_registry(rest)
    if not _REGISTRY.match(registry):
        raise _invalid(text, f"'{registry}' is not the name of a registry")
    if not _REPOSITORY.match(repository):
        reason = "has upper-case letters" if repository != repository.lower() else "is not the name of a repository"
        raise _invalid(text, f"'{repository}' {reason}")
    if len(registry) + 1 + len(repository) > _NAME_LENGTH:
        raise _invalid(text, f"its name is longer than {_NAME_LENGTH} characters")
    if tag is None and not digest:
        tag = "latest"
    return Reference(registry, repository, tag, digest or None)


def _split_tag(rest: str) -> tuple[str, str | None]:
    # A colon before the last slash belongs to the registry's port.
    name, colon, tag = rest.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (rest, None)


def _split_registry(rest: str) -> tuple[str, str]:
    first, slash, others = rest.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first):
        first, others = DEFAULT_REGISTRY, rest
    if first == "index.docker.io":
        first = DEFAULT_REGISTRY
    if first == DEFAULT_REGISTRY and "/" not in others:
        others = f"library/{others}"
    return first, others


def _invalid(text: str, reason: str) -> GantryError:
    return GantryError(f"The image reference '{text}' is invalid: {reason}.", details={"image": text})
