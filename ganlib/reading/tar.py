"""Tar archives (POSIX.1-2001 pax, ustar, GNU and older), plain or compressed.

Listed without an object for each member; a broken or hostile header ends in a sentence, never in a long search.
"""

import os
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..datasets import TRUNCATED, UNREADABLE
from ..errors import UserError, unreadable
from .archives import ArchiveFile, member_name
from .stores import LARGEST_FILE, Found, NoContent, Part, Rows, Store, too_large

BLOCK = 512
EMPTY = bytes(BLOCK)
LARGEST_EXTENSION = 1 << 20
"""Bytes of one member's long name, or of its pax records."""

REGULAR, FOLDER, SPARSE = b"0\x007", b"5", b"S"
LONG_NAME, LONG_LINK, PAX, PAX_FOR_ALL = b"L", b"K", b"xX", b"g"
"""Members that say something of the next one, or of all."""
WITHOUT_DATA = b"123456"
"""Links, devices, folders, pipes: their headers may name a size, of which nothing follows."""
SPECIALS = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe", SPARSE: "a sparse file"}
RECORD = re.compile(rb"([0-9]{1,9}) ([^=]+)=")


class BrokenTarError(Exception):
    """What is wrong with the archive as a whole."""


@dataclass
class Entries(Found):
    """Where each file's bytes are."""

    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))


class Tar(Store):
    """The members of a .tar. Their names are names here and never paths."""

    def __init__(self, path: Path, plain: Path) -> None:
        """`plain` is the archive itself, or what it unpacks to. UserError where it is not whole."""
        self.title, self.prefix, self.archive = path.name, f"{path}: ", ArchiveFile.at(plain)
        entries, file = Entries(), self.archive.opened()
        try:
            for member in _members(file.descriptor, self.archive.size):
                _sort_in(entries, member, str(path))
        except BrokenTarError as error:
            raise UserError(f"{path} is no whole .tar: {error}; copy or make it anew.") from None
        except OSError as error:
            raise unreadable(path, error) from None
        rows = self.arrange(entries)
        self._offsets = np.frombuffer(entries.offsets, np.int64)[rows]
        self._sizes = np.frombuffer(entries.sizes, np.int64)[rows]

    def part(self, rows: Rows) -> Part:
        """Those members."""
        names = [self.names[i] for i in rows.tolist()]
        return Members(names, self.prefix, self.archive, self._offsets[rows].tolist(), self._sizes[rows].tolist())


@dataclass(frozen=True)
class Members(Part):
    """Some members of one .tar."""

    archive: ArchiveFile
    offsets: list[int]
    sizes: list[int]

    def contents(self) -> Iterator[bytes | NoContent]:
        """Each member."""
        file = self.archive.opened()
        for offset, size in zip(self.offsets, self.sizes, strict=True):
            yield _member(file.descriptor, offset, size)


def _member(descriptor: int, offset: int, size: int) -> bytes | NoContent:
    if size > LARGEST_FILE:
        return too_large(size)
    try:
        content = os.pread(descriptor, size, offset)
    except OSError as error:
        return NoContent(UNREADABLE, f"cannot be read: {error.strerror or error}; copy the archive anew")
    if len(content) < size:
        return NoContent(TRUNCATED, "is cut short; copy or make the archive anew")
    return content


@dataclass
class Member:
    """One header, and what was said before it of the member it belongs to."""

    name: str
    kind: bytes
    size: int
    at: int = 0
    """Place of its data."""


def _sort_in(entries: Entries, member: Member, path: str) -> None:
    name = member_name(member.name, path)
    if not name:
        return
    if member.kind == FOLDER or (member.kind in REGULAR and member.name.endswith("/")):
        entries.folders.add(name)
    elif member.kind in REGULAR:
        entries.names.append(name)
        entries.offsets.append(member.at)
        entries.sizes.append(member.size)
    else:
        entries.specials[name] = SPECIALS.get(member.kind, "a member of an unknown kind")


def _members(descriptor: int, length: int) -> Iterator[Member]:
    """Each member; every step leads forward, so that no header makes this endless."""
    at, said, for_all = 0, dict[str, str](), dict[str, str]()
    while (block := os.pread(descriptor, BLOCK, at)) != EMPTY:
        if len(block) < BLOCK:
            raise BrokenTarError("it has no end mark, so it was cut short")
        if not is_header(block):
            raise BrokenTarError(f"no member begins at byte {at}, where one should")
        kind, size = block[156:157], _number(block[124:136])
        at += BLOCK
        if kind in LONG_NAME + LONG_LINK + PAX + PAX_FOR_ALL:
            if size > LARGEST_EXTENSION:
                raise BrokenTarError(f"it has {size} bytes to say of one member")
            told = _told(kind, os.pread(descriptor, size, at))
            (for_all if kind == PAX_FOR_ALL else said).update(told)
        else:
            member = _member_of(block, kind, size, for_all | said)
            size, said = member.size, {}
            if kind == SPARSE:
                at = _after_sparse_maps(descriptor, block, at)
            member.at = at
            yield member
        at += -(-size // BLOCK) * BLOCK
        if at > length:
            raise BrokenTarError("it ends within a member, so it was cut short")


def is_header(block: bytes) -> bool:
    """Whether 512 bytes have the checksum that begins a member: their sum, its own field taken for spaces."""
    stated = block[148:156].strip(b" \0")
    if len(block) < BLOCK or not re.fullmatch(rb"[0-7]+", stated):
        return False
    return sum(block) - sum(block[148:156]) + 8 * ord(" ") == int(stated, 8)


def _number(encoded: bytes) -> int:
    """In octal digits; or, for large ones, in GNU's way: a byte of 128, then the bytes of the number."""
    if encoded[0] == 0x80:
        return int.from_bytes(encoded[1:], "big")
    try:
        return int(encoded.partition(b"\0")[0].strip() or b"0", 8)
    except ValueError:
        raise BrokenTarError("the size of a member is no number") from None


def _told(kind: bytes, payload: bytes) -> dict[str, str]:
    """What such a member says: a long name, or pax records, which are `length key=value` in lines."""
    if kind == LONG_NAME:
        return {"path": _text(payload)}
    if kind == LONG_LINK:
        return {}
    records, at = {}, 0
    while at < len(payload) and payload[at]:
        match = RECORD.match(payload, at)
        end = at + int(match[1]) if match else 0
        if not match or not match.end() < end <= len(payload):
            raise BrokenTarError("what it says of a member is garbled")
        records[_text(match[2])] = _text(payload[match.end() : end - 1])
        at = end
    return records


def _member_of(block: bytes, kind: bytes, size: int, records: dict[str, str]) -> Member:
    """The member of a header; records say it better where there are any."""
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (folder := _text(block[345:500])):
        name = f"{folder}/{name}"
    if any(key.startswith("GNU.sparse.") for key in records):
        kind, name = SPARSE, records.get("GNU.sparse.name", name)
    stated = records.get("size", "")
    if re.fullmatch("[0-9]{1,18}", stated):
        size = int(stated)
    return Member(records.get("path") or name, kind, 0 if kind in WITHOUT_DATA else size)


def _after_sparse_maps(descriptor: int, block: bytes, at: int) -> int:
    """Where the data of GNU's old sparse files begins: behind blocks that each say whether another follows."""
    follows = block[482:483]
    while follows not in (b"", b"\0"):
        follows = os.pread(descriptor, BLOCK, at)[504:505]
        at += BLOCK
    return at


def _text(encoded: bytes) -> str:
    return encoded.partition(b"\0")[0].decode("utf-8", "surrogateescape")
