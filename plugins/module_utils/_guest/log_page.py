# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of a container's log (contracts.md, sections 1 and 9), which an untrusted container may have made. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# The directory of the pages in a guest.
LOG = "/gantry/log"
STREAMS = ("stdout", "stderr")
# The longest page that a guest makes: its records, and its first line.
MAX_PAGE_BYTES = (128 << 10) + 1024
# A published page fits into a key of guest info, and its text is limited by the guest.
_MAX_PUBLISHED_BYTES = 64 << 10
# Stream, length, time and number of a record.
_HEAD = struct.Struct(">BIqQ")
_POSITION = re.compile(r"([0-9a-f]{16})-(\d{1,20})-(\d{1,19})")


@dataclass(frozen=True)
class LogPosition:
    """A place between two records of a log."""

    # As the guest gives it, which only has to recognize it.
    text: str
    log: str
    # Of the next record.
    number: int


@dataclass(frozen=True)
class LogRecord:
    """A line of the output, or a part of a line that was too long."""

    stream: str
    # Nanoseconds since 1970, by the clock of the guest.
    time: int
    # The first one of a log has 0.
    number: int
    text: bytes


@dataclass(frozen=True)
class LogPage:
    """Records of a log, which follow one another."""

    records: tuple[LogRecord, ...]
    # Where the next page begins, and where the log ended when this one was made.
    next: LogPosition
    end: LogPosition
    # How many records between the position that was asked for and the next page are gone.
    lost: int
    # Whether the position that was asked for was none of this log, so that the page begins with the oldest record.
    unknown_position: bool

    @property
    def text(self) -> str:
        """Return the output of both streams, with replacement characters for bytes that are not UTF-8."""
        return b"".join(record.text for record in self.records).decode("utf-8", errors="replace")


def page_path(
    request: str,
    *,
    position: LogPosition | None,
    tail: int | None,
    since: int | None,
    until: int | None,
    streams: Sequence[str],
) -> str:
    """Return the path of the page from a position on. Each request has another id, so that each has its own page."""
    fields: list[tuple[str, Any]] = [("id", request)]
    if position is not None:
        fields.append(("from", position.text))
    numbers = {"tail": tail, "since": since, "until": until}
    fields += [(name, number) for name, number in numbers.items() if number is not None]
    if set(streams) != set(STREAMS):
        fields += [("stream", name) for name in streams]
    return f"{LOG}/" + ",".join(f"{name}={value}" for name, value in fields)


def parse_position(text: str) -> LogPosition | None:
    """Return a position, or None if the text is none."""
    found = _POSITION.fullmatch(text)
    return None if found is None else LogPosition(text, found[1], int(found[2]))


def decode_page(raw: bytes, subject: str) -> LogPage:
    """Return a page; raise a GantryError that begins with ``subject`` if it is not one."""
    begin, _newline, records = raw.partition(b"\n")
    document = parse_document(begin, subject)
    return LogPage(
        records=tuple(_decode_records(records, subject)),
        next=_position(document, "next"),
        end=_position(document, "end"),
        lost=document.integer("lost", least=0) or 0,
        unknown_position=document.boolean("unknown_position") or False,
    )


def _position(document: Document, name: str) -> LogPosition:
    position = parse_position(document.required(name, document.text))
    if position is None:
        document.refuse(name, "is not a position")
    return position


def _decode_records(raw: bytes, subject: str) -> list[LogRecord]:
    records, at = [], 0
    while at < len(raw):
        if len(raw) - at < _HEAD.size:
            raise GantryError(f"{subject} cannot be used: it ends within a record.")
        stream, length, time, number = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        if stream not in (1, 2) or length > len(raw) - at:
            raise GantryError(f"{subject} cannot be used: it has a record that is not valid.")
        records.append(LogRecord(STREAMS[stream - 1], time, number, raw[at : at + length]))
        at += length
    return records


def decode_published(text: str | None) -> LogPage | None:
    """Return the last page of a log, which a guest publishes; None if there is none that is valid."""
    if not text:
        return None
    try:
        packed = base64.b64decode(text, validate=True)
        raw = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(packed, _MAX_PUBLISHED_BYTES)
        return decode_page(raw, "The log that a guest publishes")
    except (binascii.Error, ValueError, zlib.error, GantryError):
        return None


def published_text(text: str | None) -> str | None:
    """Return the text of a published log; None if there is none."""
    page = decode_published(text)
    return (page.text or None) if page else None
