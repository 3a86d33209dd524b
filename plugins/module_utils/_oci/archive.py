# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tar as layers use it: a streaming reader (ustar, GNU, PAX, sparse) and the writer of headers for the flat archive.

The reader trusts nothing: what is damaged or has no meaning in an image raises LayerError. It is not the standard
library's because that one needs ten times as long for an entry, which would make it the slowest part of a conversion.
Names stay bytes throughout; Linux does not ask for UTF-8 and neither do archives.
"""

from __future__ import annotations

import functools
import re
import struct
import zlib
from collections.abc import Callable, Iterator

BLOCK = 512
ZEROS = bytes(1 << 16)

REGULAR, LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
DEVICES = (CHARACTER, BLOCK_DEVICE, FIFO)

_PATH_BYTES = 4095
_NAME_BYTES = 255
_ID_MAX = (1 << 32) - 2
_TIME_MAX = (1 << 32) - 1
_EXTENSION_BYTES = 1 << 20
_XATTR_BYTES = 1 << 16
_XATTR_PREFIX = b"SCHILY.xattr."

# Old archivers write regular files as NUL or, when meant to be contiguous, as "7".
_KINDS = {code: code for code in (REGULAR, LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO)}
_KINDS[b"\0"] = REGULAR
_KINDS[b"7"] = REGULAR
_GNU_SPARSE = b"S"
_KINDS[_GNU_SPARSE] = REGULAR

# Name, mode, uid, gid, size, mtime, (checksum), type, link, magic, (version, names, device), prefix.
_FIELDS = struct.Struct("100s8s8s8s12s12s8x1s100s6s82x155s12x").unpack

# A component that is empty, "." or "..".
_UNCLEAN = re.compile(rb"(?:\A|/)\.{0,2}(?:/|\Z)")

_CHECKSUM_BLANK = b" " * 8
_SUM_MODULUS = 65521
_OCTAL_7 = 8**7 - 1
_OCTAL_11 = 8**11 - 1
_USTAR = b"ustar\x0000" + bytes(64)
_USTAR_REST = bytes(167)

Write = Callable[["bytes | memoryview"], object]


class LayerError(Exception):
    """What is wrong with a layer; the caller says which layer of which image."""

    def __init__(self, reason: str, cause: str = "layer_refused") -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class Entry:
    """One file of an archive, its content excepted."""

    __slots__ = (
        "device",
        "gid",
        "kind",
        "link",
        "mode",
        "mtime",
        "path",
        "segments",
        "size",
        "uid",
        "xattrs",
    )

    def __init__(
        self,
        path: bytes,
        kind: bytes,
        *,
        mode: int = 0o755,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
        size: int = 0,
        link: bytes = b"",
        device: tuple[int, int] = (0, 0),
        xattrs: tuple[tuple[bytes, bytes], ...] = (),
        segments: list[tuple[int, int]] | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.size = size
        self.link = link
        self.device = device
        self.xattrs = xattrs
        self.segments = segments
        """Of a sparse file: where its stored data go, as (offset, length)."""

    def metadata_bytes(self) -> int:
        """About what it costs to keep this in memory, beyond a constant."""
        cost = len(self.path) + len(self.link)
        if self.xattrs:
            cost += sum(len(key) + len(value) for key, value in self.xattrs)
        return cost + 16 * len(self.segments) if self.segments else cost


class ByteStream:
    """Exact reads over chunks of any size, without copying what is only passed on."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._view = memoryview(b"")
        self._position = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer only at the end."""
        end = self._position + count
        if end <= len(self._view):
            data = bytes(self._view[self._position : end])
            self._position = end
            return data
        parts: list[bytes] = []
        self._pass(count, lambda part: parts.append(bytes(part)))
        return b"".join(parts)

    def copy(self, count: int, write: Write) -> None:
        """Pass the next ``count`` bytes on."""
        if self._pass(count, write):
            raise LayerError("it ends in the middle of a file", "layer_damaged")

    def skip(self, count: int) -> None:
        """Drop the next ``count`` bytes."""
        self.copy(count, drop)

    def drain(self) -> None:
        """Read to the end, so that the digests cover everything."""
        for _chunk in self._chunks:
            pass

    def _pass(self, count: int, write: Write) -> int:
        """Like copy(), but returns how many bytes are missing."""
        while count:
            available = len(self._view) - self._position
            if not available:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return count
                self._view = memoryview(chunk)
                self._position = 0
                continue
            step = min(available, count)
            write(self._view[self._position : self._position + step])
            self._position += step
            count -= step
        return 0


class TarReader:
    """The entries of one archive in their order. The content of the current one may be copied, else it is skipped."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._stored = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        pax: dict[bytes, bytes] = {}
        long_name = long_link = None
        sparse_pairs: list[bytes] = []
        while (header := self._header()) is not None:
            kind = header[156:157]
            if kind == b"x":
                pax, sparse_pairs = _parse_pax(self._extension(header))
            elif kind == b"g":
                self._extension(header)  # container runtimes ignore defaults for all entries, and so the images do
            elif kind == b"L":
                long_name = _text(self._extension(header))
            elif kind == b"K":
                long_link = _text(self._extension(header))
            else:
                entry = self._entry(header, pax, sparse_pairs, long_name, long_link)
                pax, sparse_pairs, long_name, long_link = {}, [], None, None
                yield entry
                self._stream.skip(self._stored + self._padding)
                self._stored = self._padding = 0
        if pax or long_name is not None or long_link is not None:
            raise LayerError("it ends in the middle of a file's header", "layer_damaged")
        self._stream.drain()

    def copy_content(self, entry: Entry, write: Write) -> None:
        """Pass on the current entry's content, holes filled, padded to whole blocks."""
        if entry.segments is None:
            # The padding comes along from the source.
            self._stream.copy(self._stored + self._padding, write)
        else:
            position = 0
            for offset, length in entry.segments:
                _write_zeros(offset - position, write)
                self._stream.copy(length, write)
                position = offset + length
            _write_zeros(entry.size - position + -entry.size % BLOCK, write)
            self._stream.skip(self._padding)
        self._stored = self._padding = 0

    def _header(self) -> bytes | None:
        block = self._stream.take(BLOCK)
        if not block:
            return None  # without an end mark; the diff_id says whether something is missing
        if len(block) < BLOCK:
            raise LayerError("it ends in the middle of a header", "layer_damaged")
        if not block[0] and not any(block):
            return None
        if not has_checksum(block):
            raise LayerError("it is not a tar archive, or is damaged: a header has a wrong checksum", "layer_damaged")
        return block

    def _extension(self, header: bytes) -> bytes:
        size = _number(header[124:136])
        if not 0 <= size <= _EXTENSION_BYTES:
            raise LayerError(f"the header of a file is larger than {_EXTENSION_BYTES} bytes")
        data = self._stream.take(size + -size % BLOCK)
        if len(data) < size:
            raise LayerError("it ends in the middle of a header", "layer_damaged")
        return data[:size]

    def _entry(
        self,
        header: bytes,
        pax: dict[bytes, bytes],
        sparse_pairs: list[bytes],
        long_name: bytes | None,
        long_link: bytes | None,
    ) -> Entry:
        name, mode, uid_field, gid_field, size_field, mtime_field, code, link_field, magic, prefix = _FIELDS(header)
        raw_path = long_name
        if raw_path is None:
            raw_path = _text(name)
            # GNU archives ("ustar  ") have other things where ustar has the prefix.
            if magic == b"ustar\0" and prefix[0]:
                raw_path = _text(prefix) + b"/" + raw_path
        size, uid, gid, mtime = _number(size_field), _id(uid_field), _id(gid_field), _number(mtime_field)
        link = long_link
        xattrs: tuple[tuple[bytes, bytes], ...] = ()
        if pax:
            raw_path = pax.get(b"GNU.sparse.name", pax.get(b"path", raw_path))
            link = pax.get(b"linkpath", link)
            size = _decimal(pax, b"size", size)
            uid, gid = _decimal(pax, b"uid", uid), _decimal(pax, b"gid", gid)
            mtime = _seconds(pax, mtime)
            xattrs = _xattrs(pax)
        path = clean_path(raw_path)
        kind = _KINDS.get(code)
        if kind is None:
            raise LayerError(f"{show(path)} is of the unknown type {code!r}")
        if code == b"\0" and raw_path.endswith(b"/"):
            kind = DIRECTORY
        _check_range(path, uid, gid, size)
        if kind in (LINK, SYMLINK):
            link = _link(path, kind, _text(link_field) if link is None else link)
        entry = Entry(
            path,
            kind,
            mode=_id(mode) & 0o7777,
            uid=uid,
            gid=gid,
            mtime=min(max(mtime, 0), _TIME_MAX),
            link=link or b"",
            xattrs=xattrs,
        )
        if kind == REGULAR:
            self._stored, self._padding, entry.size = size, -size % BLOCK, size
            if pax or code == _GNU_SPARSE:
                self._read_map(entry, header, code, pax, sparse_pairs)
        elif kind in (CHARACTER, BLOCK_DEVICE):
            entry.device = (_number(header[329:337]), _number(header[337:345]))
            if not (0 <= entry.device[0] < 1 << 12 and 0 <= entry.device[1] < 1 << 20):
                raise LayerError(f"{show(path)} is a device with impossible numbers")
        return entry

    def _read_map(
        self, entry: Entry, header: bytes, code: bytes, pax: dict[bytes, bytes], sparse_pairs: list[bytes]
    ) -> None:
        """If the file is a sparse one, where its stored data go."""
        if code == _GNU_SPARSE:
            entry.segments, entry.size = self._old_gnu_map(header), _number(header[483:495])
        elif pax.get(b"GNU.sparse.major") == b"1":
            entry.segments = self._stored_map()
            entry.size = _decimal(pax, b"GNU.sparse.realsize", 0)
        elif b"GNU.sparse.size" in pax:
            pairs = pax[b"GNU.sparse.map"].split(b",") if b"GNU.sparse.map" in pax else sparse_pairs
            entry.segments = _pairs([_digits(text) for text in pairs if text])
            entry.size = _decimal(pax, b"GNU.sparse.size", 0)
        if entry.segments is not None:
            _check_segments(entry, self._stored)

    def _old_gnu_map(self, header: bytes) -> list[tuple[int, int]]:
        numbers: list[int] = []
        block, start, slots, more = header, 386, 4, header[482]
        while True:
            for position in range(start, start + slots * 24, 24):
                if block[position]:
                    numbers += _number(block[position : position + 12]), _number(block[position + 12 : position + 24])
            if not more:
                return _pairs(numbers)
            if len(numbers) * 12 > _EXTENSION_BYTES:
                raise LayerError(f"the header of a file is larger than {_EXTENSION_BYTES} bytes")
            block, start, slots = self._stream.take(BLOCK), 0, 21
            if len(block) < BLOCK:
                raise LayerError("it ends in the middle of a header", "layer_damaged")
            more = block[504]

    def _stored_map(self) -> list[tuple[int, int]]:
        """The map that precedes the data: decimal numbers by lines, the first says how many pairs follow."""
        lines: list[bytes] = []
        rest, used, wanted = b"", 0, 1
        while len(lines) < wanted:
            block = self._stream.take(BLOCK)
            used += BLOCK
            if len(block) < BLOCK or used > self._stored or used > _EXTENSION_BYTES:
                raise LayerError("the map of a sparse file is damaged", "layer_damaged")
            *complete, rest = (rest + block).split(b"\n")
            lines += complete
            if lines:
                wanted = 1 + 2 * _digits(lines[0])
        self._stored -= used
        return _pairs([_digits(line) for line in lines[1:wanted]])


def clean_path(raw: bytes) -> bytes:
    """A path relative to the image's root without ``.`` and empty parts; the root itself is empty."""
    path = raw
    if _UNCLEAN.search(path):
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise LayerError(f"{show(raw)} leads out of the image")
        path = b"/".join(parts)
    if b"\0" in path or len(path) > _PATH_BYTES:
        raise LayerError(f"the path {show(raw)} is too long or has a zero byte")
    if len(path) > _NAME_BYTES and any(len(part) > _NAME_BYTES for part in path.split(b"/")):
        raise LayerError(f"a name in the path {show(raw)} is longer than {_NAME_BYTES} bytes")
    return path


def show(path: bytes) -> str:
    """A path for a message: bounded, and nothing in it that a terminal would obey."""
    text = path.decode("utf-8", "backslashreplace") or "/"
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return f"'{text if len(text) <= 200 else text[:200] + '...'}'"


def encode_header(path: bytes, entry: Entry, kind: bytes, link: bytes) -> bytes:
    """The header of an entry under a path; what ustar cannot say goes into a PAX header before it."""
    size = entry.size if kind == REGULAR else 0
    records = [(_XATTR_PREFIX + key, value) for key, value in entry.xattrs] if kind != LINK else []
    if len(path) > 100:
        records.append((b"path", path))
    if len(link) > 100:
        records.append((b"linkpath", link))
    if entry.uid > _OCTAL_7:
        records.append((b"uid", b"%d" % entry.uid))
    if entry.gid > _OCTAL_7:
        records.append((b"gid", b"%d" % entry.gid))
    if size > _OCTAL_11:
        records.append((b"size", b"%d" % size))
    numbers = (entry.mode, entry.uid & _OCTAL_7, entry.gid & _OCTAL_7, size & _OCTAL_11, entry.mtime)
    header = _ustar(path[:100], numbers, kind, link[:100], entry.device)
    if not records:
        return header
    body = b"".join(_pax_record(key, value) for key, value in records)
    extension = _ustar(b"pax", (0o644, 0, 0, len(body), 0), b"x", b"", (0, 0))
    return extension + body + bytes(-len(body) % BLOCK) + header


def _ustar(name: bytes, numbers: tuple[int, ...], kind: bytes, link: bytes, device: tuple[int, int]) -> bytes:
    before = name.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % numbers
    after = kind + link.ljust(100, b"\0") + _USTAR + b"%07o\0%07o\0" % device + _USTAR_REST
    return before + b"%06o\0 " % _sum(before + _CHECKSUM_BLANK + after) + after


def has_checksum(header: bytes) -> bool:
    """Return whether this block is the header of a file: its checksum is right."""
    digits = header[148:156].strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    blank = header[:148] + _CHECKSUM_BLANK + header[156:]
    return (_sum(blank) - int(digits, 8)) % _SUM_MODULUS == 0


def _sum(header: bytes) -> int:
    """The sum of the bytes, modulo _SUM_MODULUS, which the headers written here do not reach.

    zlib has it in its checksum, ten times as fast as sum(): headers are summed twice for each file.
    """
    return (zlib.adler32(header) & 0xFFFF) - 1


def _pax_record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def drop(_data: bytes | memoryview) -> None:
    """Where content goes that nobody wants."""


def _write_zeros(count: int, write: Write) -> None:
    while count > 0:
        step = min(count, len(ZEROS))
        write(memoryview(ZEROS)[:step])
        count -= step


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    """A numeric field: octal digits, or base 256 when the first bit is set."""
    if field[:-1].isdigit():  # as nearly all are
        return _octal(field[:-1])
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big")
        bits = 8 * len(field)
        return value - (1 << bits) if first & 0x40 else value - (1 << (bits - 1))
    text = field.partition(b"\0")[0].strip()
    return _octal(text) if text else 0


_id = functools.lru_cache(maxsize=1024)(_number)
"""For fields that repeat."""


def _octal(text: bytes) -> int:
    # int() alone would take signs and underscores.
    if text.isdigit():
        try:
            return int(text, 8)
        except ValueError:
            pass  # an 8 or a 9
    raise LayerError("a header has a number that is none", "layer_damaged")


def _digits(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise LayerError("a header has a number that is none", "layer_damaged")
    return int(text)


def _decimal(pax: dict[bytes, bytes], key: bytes, default: int) -> int:
    text = pax.get(key)
    return default if text is None else _digits(text)


def _seconds(pax: dict[bytes, bytes], default: int) -> int:
    text = pax.get(b"mtime")
    if text is None:
        return default
    if text.startswith(b"-"):
        return 0
    return _digits(text.partition(b".")[0])


def _parse_pax(data: bytes) -> tuple[dict[bytes, bytes], list[bytes]]:
    """The records, and the values of the sparse ones that repeat."""
    records: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        if space < 0:
            raise LayerError("a header has a damaged record", "layer_damaged")
        end = position + _digits(data[position:space])
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or not key or end > len(data) or data[end - 1 : end] != b"\n":
            raise LayerError("a header has a damaged record", "layer_damaged")
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            pairs.append(value)
        elif value or key.startswith(_XATTR_PREFIX):
            records[key] = value
        else:
            records.pop(key, None)  # an empty value takes an earlier one back
        position = end
    return records, pairs


def _xattrs(pax: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """The extended attributes that mean something in a container, in an order of our own.

    Those of the host's security modules and of overlay file systems do not: in the guest they would be obeyed.
    """
    found = []
    for key, value in pax.items():
        if key.startswith(_XATTR_PREFIX):
            name = key[len(_XATTR_PREFIX) :]
            if name == b"security.capability" or (name.startswith(b"user.") and not name.startswith(b"user.overlay.")):
                if len(name) > _NAME_BYTES or len(value) > _XATTR_BYTES or b"\0" in name:
                    raise LayerError("an extended attribute is larger than Linux allows")
                found.append((name, value))
    return tuple(sorted(found))


def _link(path: bytes, kind: bytes, link: bytes) -> bytes:
    if kind == LINK:
        return clean_path(link)
    if kind != SYMLINK:
        return b""
    if not link or b"\0" in link or len(link) > _PATH_BYTES:
        raise LayerError(f"the target of the symbolic link {show(path)} is empty, too long or has a zero byte")
    return link


def _check_range(path: bytes, uid: int, gid: int, size: int) -> None:
    if not (0 <= uid <= _ID_MAX and 0 <= gid <= _ID_MAX):
        raise LayerError(f"{show(path)} has an impossible owner")
    if not 0 <= size < 1 << 62:
        raise LayerError(f"{show(path)} has an impossible size")


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    if len(numbers) % 2:
        raise LayerError("the map of a sparse file is damaged", "layer_damaged")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _check_segments(entry: Entry, stored: int) -> None:
    position = total = 0
    for offset, length in entry.segments or ():
        if offset < position or length < 0:
            raise LayerError(f"the map of the sparse file {show(entry.path)} is not in order", "layer_damaged")
        position = offset + length
        total += length
    if total != stored or position > entry.size or not 0 <= entry.size < 1 << 62:
        raise LayerError(f"the map of the sparse file {show(entry.path)} does not fit its content", "layer_damaged")
