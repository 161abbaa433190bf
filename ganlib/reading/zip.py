"""Zip archives (PKWARE's APPNOTE 6.3), read by the list of members at their end.

Listed without an object for each member, and unpacked without one: a million members cost some 200 bytes each.
"""

import os
import stat
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np

from ..datasets import BROKEN, TRUNCATED, UNREADABLE
from ..errors import UserError, unreadable
from .archives import ArchiveFile, bomb, member_name, most_unpacked
from .names import shown
from .stores import LARGEST_FILE, Found, NoContent, Part, Rows, Store, too_large
from .zip_directory import FULL, NotWholeError, find_listing, headers, wide_numbers

LOCAL_BYTES, LOCAL_LENGTHS = 30, Struct("<2H")
"""Of the header in front of a member: the lengths of its name and of extra fields stand at its byte 26."""
STORED, DEFLATED = 0, 8
ENCRYPTED, IN_UTF8 = 0x1, 0x800
DOS, UNIX = 0, 3
LARGEST_PLACE = (1 << 62) - 1
USUAL_LOCAL_NAMES = 512
"""Bytes read beyond what a member needs, so that the names in front of it come along."""


@dataclass
class Entries(Found):
    """What the directory says of each file."""

    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    packed: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    methods: "array[int]" = field(default_factory=lambda: array("H"))
    checksums: "array[int]" = field(default_factory=lambda: array("I"))


class Zip(Store):
    """The members of a .zip, stored or deflated. Their names are names here and never paths."""

    def __init__(self, path: Path) -> None:
        """UserError where it is not whole, is encrypted or packed by another method, or is a bomb."""
        self.title, self.prefix, self.archive = path.name, f"{path}: ", ArchiveFile.at(path)
        file = self.archive.opened()
        try:
            listing = find_listing(file.descriptor, self.archive.size)
            entries = _entries(headers(file.descriptor, listing), str(path), listing.shift)
        except NotWholeError as error:
            raise UserError(f"{path} is no whole .zip: {error}; copy or make it anew.") from None
        except OSError as error:
            raise unreadable(path, error) from None
        if sum(entries.sizes) > (limit := most_unpacked(self.archive.size)):
            raise bomb(str(path), limit)
        rows = self.arrange(entries)
        self._offsets = np.frombuffer(entries.offsets, np.int64)[rows]
        # No more than there is: so a member that ends beyond the archive is found to be cut short when it is read.
        left = np.maximum(self.archive.size - self._offsets, 0)
        self._packed = np.minimum(np.frombuffer(entries.packed, np.int64)[rows], left)
        self._sizes = np.frombuffer(entries.sizes, np.int64)[rows]
        self._methods = np.frombuffer(entries.methods, np.uint16)[rows]
        self._checksums = np.frombuffer(entries.checksums, np.uint32)[rows]

    def part(self, rows: Rows) -> Part:
        """Those members."""
        columns = (self._offsets, self._packed, self._sizes, self._methods, self._checksums)
        places = [column[rows].tolist() for column in columns]
        return Members([self.names[i] for i in rows.tolist()], self.prefix, self.archive, places)


@dataclass(frozen=True)
class Members(Part):
    """Some members of one .zip."""

    archive: ArchiveFile
    places: list[list[int]]
    """Offset of the local header, bytes packed and unpacked, method and CRC-32: a list of each."""

    def contents(self) -> Iterator[bytes | NoContent]:
        """Each member, unpacked and its checksum compared."""
        file = self.archive.opened()
        for offset, packed, size, method, checksum in zip(*self.places, strict=True):
            yield _member(file.descriptor, offset, packed, size, method, checksum)


def _member(descriptor: int, offset: int, packed: int, size: int, method: int, checksum: int) -> bytes | NoContent:
    if max(size, packed) > LARGEST_FILE:
        return too_large(max(size, packed))
    try:
        block = os.pread(descriptor, LOCAL_BYTES + USUAL_LOCAL_NAMES + packed, offset)
        if len(block) < LOCAL_BYTES:
            return NoContent(TRUNCATED, "lies beyond the end of the archive; copy or make the archive anew")
        if not block.startswith(b"PK\3\4"):
            return NoContent(BROKEN, "is not where the archive says; make the archive anew")
        start = LOCAL_BYTES + sum(LOCAL_LENGTHS.unpack_from(block, 26))
        if start + packed > len(block):
            block, start = os.pread(descriptor, packed, offset + start), 0
    except OSError as error:
        return NoContent(UNREADABLE, f"cannot be read: {error.strerror or error}; copy the archive anew")
    data = memoryview(block)[start : start + packed]
    return _checked(data, size, method, checksum)


def _checked(data: memoryview, size: int, method: int, checksum: int) -> bytes | NoContent:
    if method == STORED:
        content = bytes(data)
    else:
        try:
            # One more than there should be tells a longer member, and never unpacks more of it.
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
        except zlib.error as error:
            return NoContent(BROKEN, f"cannot be unpacked ({error}); make the archive anew")
    if len(content) < size:
        return NoContent(TRUNCATED, f"unpacks to {len(content)} of {size} bytes; copy or make the archive anew")
    if len(content) > size or zlib.crc32(content) != checksum:
        return NoContent(BROKEN, "is not what was packed, by its checksum; copy or make the archive anew")
    return content


def _entries(listed: Iterator[tuple[tuple[Any, ...], bytes, bytes]], path: str, shift: int) -> Entries:
    """The files among the members."""
    entries = Entries()
    for fields, encoded, extra in listed:
        _, _, system, _, flags, method, _, checksum, packed, size, _, _, _, _, _, attributes, offset = fields
        raw = _text(encoded, flags, system)
        name = member_name(raw, path)
        if not name:
            continue
        if raw.endswith("/"):
            entries.folders.add(name)
        elif system == UNIX and stat.S_ISLNK(attributes >> 16):
            entries.specials[name] = "a link"
        else:
            _check_readable(f"{path}: {name}", flags, method)
            if FULL in (size, packed, offset):
                size, packed, offset = wide_numbers(extra, size, packed, offset)
            entries.names.append(name)
            entries.offsets.append(min(offset + shift, LARGEST_PLACE))
            entries.packed.append(min(packed, LARGEST_PLACE))
            entries.sizes.append(min(size, LARGEST_PLACE))
            entries.methods.append(method)
            entries.checksums.append(checksum)
    return entries


def _check_readable(place: str, flags: int, method: int) -> None:
    if flags & ENCRYPTED:
        raise UserError(f"{shown(place)} is encrypted; make the archive anew without a password.")
    if method not in (STORED, DEFLATED):
        raise UserError(f"{shown(place)} is packed by method {method}; make the archive anew with deflate.")


def _text(encoded: bytes, flags: int, system: int) -> str:
    """A member's name. Many programs write UTF-8 without saying so; what is not, is in the first PC's code page."""
    encoded = encoded.partition(b"\0")[0]
    try:
        raw = encoded.decode("utf-8", "surrogateescape" if flags & IN_UTF8 else "strict")
    except UnicodeDecodeError:
        raw = encoded.decode("cp437")
    # Some programs of Windows write its own slashes, against the format.
    return raw.replace("\\", "/") if system == DOS and "/" not in raw else raw
