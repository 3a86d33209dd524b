# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search for texts that must be nowhere: as they are, in base64 and in compressed data, and in each of these again."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_GZIP = b"\x1f\x8b\x08"
# What is in base64 in compressed data in base64 is found, and no endless chain followed.
_DEPTH = 4


def found_in(content: bytes, texts: Iterable[str]) -> set[str]:
    """Return those of the texts that the content has in any form."""
    wanted = set(texts)
    layers = list(_layers(content, _DEPTH))
    return {text for text in wanted if any(text.encode() in layer for layer in layers)}


def _layers(content: bytes, depth: int) -> Iterator[bytes]:
    """Yield the content and whatever it can be decoded to."""
    yield content
    if depth == 0:
        return
    for word in _BASE64.findall(content):
        # The first character of the encoded text can be anywhere in the word.
        for skipped in range(4):
            part = word[skipped:].translate(bytes.maketrans(b"-_", b"+/"))
            # One character alone encodes nothing.
            part = part[:-1] if len(part) % 4 == 1 else part
            yield from _layers(base64.b64decode(part + b"=" * (-len(part) % 4)), depth - 1)
    begin = content.find(_GZIP)
    while begin >= 0:
        try:
            yield from _layers(zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(content[begin:]), depth - 1)
        except zlib.error:
            # Other data that begins as compressed data does.
            yield b""
        begin = content.find(_GZIP, begin + 1)
