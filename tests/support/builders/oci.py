# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Factories of layers, images and layouts for tests; they use none of the code under test."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

Compression = Literal["none", "gzip", "zstd", "bzip2", "xz"]

# cap_net_bind_service+ep, version 2, as the kernel stores it.
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class LayerArchive:
    """A layer, written entry by entry with the standard library."""

    def __init__(self, tar_format: int = tarfile.PAX_FORMAT) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tar_format)  # noqa: SIM115

    def add(self, path: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **attributes: Any) -> LayerArchive:
        entry = tarfile.TarInfo(path)
        entry.type = kind
        entry.size = len(content)
        entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        entry.mtime = 1_700_000_000
        xattrs: Mapping[str, bytes] = attributes.pop("xattrs", {})
        entry.pax_headers = {
            f"SCHILY.xattr.{name}": value.decode("utf-8", "surrogateescape") for name, value in xattrs.items()
        }
        for name, value in attributes.items():
            setattr(entry, name, value)
        self._tar.addfile(entry, io.BytesIO(content))
        return self

    def file(self, path: str, content: bytes | str = b"", **attributes: Any) -> LayerArchive:
        data = content.encode() if isinstance(content, str) else content
        return self.add(path, tarfile.REGTYPE, data, **attributes)

    def folder(self, path: str, **attributes: Any) -> LayerArchive:
        return self.add(path, tarfile.DIRTYPE, **attributes)

    def symlink(self, path: str, target: str, **attributes: Any) -> LayerArchive:
        return self.add(path, tarfile.SYMTYPE, linkname=target, **attributes)

    def link(self, path: str, target: str) -> LayerArchive:
        return self.add(path, tarfile.LNKTYPE, linkname=target)

    def device(self, path: str, kind: bytes = tarfile.CHRTYPE, numbers: tuple[int, int] = (1, 3)) -> LayerArchive:
        return self.add(path, kind, devmajor=numbers[0], devminor=numbers[1])

    def whiteout(self, path: str) -> LayerArchive:
        parent, slash, name = path.rpartition("/")
        return self.file(f"{parent}{slash}.wh.{name}")

    def opaque(self, path: str) -> LayerArchive:
        return self.file(f"{path}/.wh..wh..opq")

    def data(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()


@dataclass(frozen=True)
class BuiltLayer:
    """A layer as stored: its blob, how it is compressed, what is inside."""

    blob: bytes
    content: bytes
    compression: Compression
    media_type: str | None = None
    """What the manifest says, if it is not the type of the compression."""
    urls: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return digest_of(self.blob)

    @property
    def diff_id(self) -> str:
        return digest_of(self.content)

    @property
    def stored_bytes(self) -> int:
        """The size that the manifest says."""
        return len(self.blob)


def build_layer(content: bytes | LayerArchive, compression: Compression = "gzip") -> BuiltLayer:
    data = content.data() if isinstance(content, LayerArchive) else content
    return BuiltLayer(compress(data, compression), data, compression)


def compress(data: bytes, compression: Compression) -> bytes:
    if compression == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if compression == "bzip2":
        return bz2.compress(data)
    if compression == "xz":
        return lzma.compress(data)
    if compression == "zstd":
        return subprocess.run(["zstd", "-q", "-1", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


class BuiltImage:
    """A manifest, its configuration and its layers; every part can be replaced before it is written."""

    def __init__(self, layers: Sequence[BuiltLayer], *, docker: bool = False, **config: Any) -> None:
        self.layers = list(layers)
        self.docker = docker
        self.config: dict[str, Any] = {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-02T03:04:05Z",
            "config": {"Cmd": ["/bin/true"], "Env": ["A=b"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            **config,
        }
        self.manifest_changes: dict[str, Any] = {}

    @property
    def config_blob(self) -> bytes:
        return json.dumps(self.config).encode()

    def layer_descriptors(self) -> list[dict[str, Any]]:
        base, separator = (DOCKER_LAYER, ".") if self.docker else (OCI_LAYER, "+")
        return [
            {
                "mediaType": layer.media_type
                or base + ("" if layer.compression == "none" else separator + layer.compression),
                "digest": layer.digest,
                "size": layer.stored_bytes,
                **({"urls": list(layer.urls)} if layer.urls else {}),
            }
            for layer in self.layers
        ]

    @property
    def media_type(self) -> str:
        return DOCKER_MANIFEST if self.docker else OCI_MANIFEST

    @property
    def manifest(self) -> bytes:
        document = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": {
                "mediaType": DOCKER_CONFIG if self.docker else OCI_CONFIG,
                "digest": digest_of(self.config_blob),
                "size": len(self.config_blob),
            },
            "layers": self.layer_descriptors(),
            **self.manifest_changes,
        }
        return json.dumps(document).encode()

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    def blobs(self) -> dict[str, bytes]:
        """Everything but the manifest, by digest."""
        return {digest_of(self.config_blob): self.config_blob, **{layer.digest: layer.blob for layer in self.layers}}

    def write_layout(self, folder: Path, tag: str = "1") -> None:
        """Write an OCI image layout, as umoci reads it."""
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for digest, data in {**self.blobs(), self.digest: self.manifest}.items():
            (blobs / digest.partition(":")[2]).write_bytes(data)
        entry = {
            "mediaType": OCI_MANIFEST,
            "digest": self.digest,
            "size": len(self.manifest),
            "annotations": {"org.opencontainers.image.ref.name": tag},
        }
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


@dataclass(frozen=True)
class File:
    """One path of a flat tree, comparable. ``inode`` is the first path of its hard links."""

    kind: bytes
    mode: int
    uid: int
    gid: int
    mtime: int
    content: bytes = b""
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, bytes], ...] = ()
    inode: str = ""


def read_tree(archive: bytes) -> dict[str, File]:
    """Return the file tree that a flat archive describes; fail on anything that a flat archive must not contain."""
    tree: dict[str, File] = {}
    names: dict[str, list[str]] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), errorlevel=2) as tar:
        for entry in tar:
            path = "" if entry.name == "." else entry.name.removeprefix("./")
            assert path not in tree, f"{path} is there twice"
            if entry.islnk():
                tree[path] = tree[entry.linkname.removeprefix("./")]
                names[tree[path].inode].append(path)
                continue
            stream = tar.extractfile(entry) if entry.isreg() else None
            tree[path] = File(
                kind=entry.type,
                mode=entry.mode,
                uid=entry.uid,
                gid=entry.gid,
                mtime=int(entry.mtime),
                content=stream.read() if stream else b"",
                target=entry.linkname,
                device=(entry.devmajor, entry.devminor) if entry.isdev() and not entry.isfifo() else (0, 0),
                xattrs=tuple(
                    sorted(
                        (name.removeprefix("SCHILY.xattr."), value.encode("utf-8", "surrogateescape"))
                        for name, value in entry.pax_headers.items()
                        if name.startswith("SCHILY.xattr.")
                    )
                ),
                inode=path,
            )
            names[path] = [path]
    return canonical(tree)


def canonical(tree: Mapping[str, File]) -> dict[str, File]:
    """Name each group of hard links by its first path."""
    first: dict[str, str] = {}
    for path in sorted(tree):
        first.setdefault(tree[path].inode, path)
    return {path: File(**{**vars(file), "inode": first[file.inode]}) for path, file in tree.items()}
