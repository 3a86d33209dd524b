# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decompress layers. The format is detected from their first bytes, whatever their media type says.

Docker, Podman and containerd do the same, so there are images with wrong media types that run everywhere. The formats
are those that Docker and Podman read: plain tar, gzip, zstd, bzip2 and xz.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import shutil
import subprocess
import zlib
from collections.abc import Callable, Generator, Sequence
from typing import IO, Any, Literal, Protocol, cast

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import BLOCK, LayerError, has_checksum

Compression = Literal["none", "gzip", "zstd", "bzip2", "xz"]

_CHUNK = 1 << 20
_READ = _CHUNK // 4
# An xz file says how much memory it requires; the highest preset requires 65 MiB.
_XZ_MEMORY = 256 << 20

_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
# A frame of any data, which indexed layers (zstd:chunked) may begin with: 0x184D2A50 to 0x184D2A5F.
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_BZIP2 = b"BZh"
_BZIP2_BLOCKS = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
_XZ = b"\xfd7zXZ\0"


class _Expander(Protocol):
    """The common interface of the decompressors of bz2 and lzma."""

    @property
    def eof(self) -> bool:
        """Return whether the end of the compressed data was reached."""

    @property
    def needs_input(self) -> bool:
        """Return whether the next call needs more data."""

    @property
    def unused_data(self) -> bytes:
        """Return the data that follow the compressed data."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return the next decompressed data, at most ``max_length`` bytes."""


def detect_compression(head: bytes) -> Compression | None:
    """Return the compression of a layer that begins with this block; None if it is not a layer."""
    if has_checksum(head) or not any(head):
        return "none"
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZSTD) or (head[0] & 0xF0 == 0x50 and head[1:4] == _ZSTD_SKIPPABLE):
        return "zstd"
    if head.startswith(_XZ):
        return "xz"
    if head.startswith(_BZIP2) and head[4:10] in _BZIP2_BLOCKS:
        return "bzip2"
    return None


def decompress(file: IO[bytes], media_type: str) -> Generator[bytes, None, None]:
    """Return the content of a layer's blob in chunks. ``media_type`` is for messages only."""
    head = file.read(BLOCK)
    file.seek(0)
    compression = detect_compression(head)
    if compression is None:
        raise LayerError(
            "The layer is not a tar archive, neither plain nor compressed with gzip, zstd, bzip2 or xz. Its media type "
            f"is '{media_type}'.",
            "layer_damaged",
        )
    return _READERS[compression](file)


def _plain(file: IO[bytes]) -> Generator[bytes, None, None]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _gzip(file: IO[bytes]) -> Generator[bytes, None, None]:
    # igzip takes half the time of zlib, which pigz uses too; gzip is slower than both.
    return _through(["igzip", "-d", "-c"], file) if shutil.which("igzip") is not None else _inflate(file)


def _inflate(file: IO[bytes]) -> Generator[bytes, None, None]:
    """Decompress gzip of one or more members."""
    inflater = zlib.decompressobj(wbits=31)
    while data := file.read(_READ):
        while data:
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            try:
                chunk = inflater.decompress(data, _CHUNK)
            except zlib.error:
                raise LayerError("The layer is not valid gzip data.", "layer_damaged") from None
            if chunk:
                yield chunk
            data = inflater.unconsumed_tail or inflater.unused_data
    if not inflater.eof:
        raise LayerError("The gzip data of the layer end too early.", "layer_damaged")


def _zstd(file: IO[bytes]) -> Generator[bytes, None, None]:
    if shutil.which("zstd") is None:
        raise GantryError(
            "The program 'zstd' is missing, which the layers of this image require. Install the package zstd where "
            "this task runs.",
            details={"cause": "program_missing"},
        )
    return _through(["zstd", "-d", "-c", "-q"], file)


def _bzip2(file: IO[bytes]) -> Generator[bytes, None, None]:
    bz2 = _optional_module("bz2")
    return _expand(file, bz2.BZ2Decompressor, OSError, "bzip2", b"")


def _xz(file: IO[bytes]) -> Generator[bytes, None, None]:
    lzma = _optional_module("lzma")

    def new() -> _Expander:
        expander: _Expander = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return expander

    return _expand(file, new, lzma.LZMAError, "xz", b"\0")


def _optional_module(name: str) -> Any:
    """Return a module of the standard library; a Python that was built without its C library lacks it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise GantryError(
            f"The Python that runs this task lacks the module '{name}', which the layers of this image require. Use "
            "the Python of the distribution, or build this one with the library.",
            details={"cause": "program_missing"},
        ) from None


def _expand(
    file: IO[bytes], new: Callable[[], _Expander], invalid: type[Exception], name: str, padding: bytes
) -> Generator[bytes, None, None]:
    """Decompress one or more streams, with padding between and after them."""
    expander = new()
    while True:
        data = b""
        if expander.eof:
            data = expander.unused_data.lstrip(padding)
            while not data:
                more = file.read(_READ)
                if not more:
                    return
                data = more.lstrip(padding)
            expander = new()
        elif expander.needs_input:
            data = file.read(_READ)
            if not data:
                raise LayerError(f"The {name} data of the layer end too early.", "layer_damaged")
        try:
            chunk = expander.decompress(data, _CHUNK)
        except invalid as error:
            raise LayerError(f"The layer is not valid {name} data ({error}).", "layer_damaged") from None
        if chunk:
            yield chunk


def _through(command: Sequence[str], file: IO[bytes]) -> Generator[bytes, None, None]:
    """Yield the output of a program that reads the file. Ending the iteration early ends the program."""
    # AnsibleModule.run_command collects all output first, and exists only in a module.
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True
    )
    with process:
        output = cast(IO[bytes], process.stdout)
        enlarge_pipe(output)
        try:
            yield from _plain(output)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise LayerError(f"The program {command[0]} cannot decompress the layer.", "layer_damaged")


def enlarge_pipe(pipe: IO[bytes]) -> None:
    """Enlarge a pipe's buffer for fewer and larger transfers, if the system allows it."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _CHUNK)


_READERS: dict[Compression, Callable[[IO[bytes]], Generator[bytes, None, None]]] = {
    "none": _plain,
    "gzip": _gzip,
    "zstd": _zstd,
    "bzip2": _bzip2,
    "xz": _xz,
}
