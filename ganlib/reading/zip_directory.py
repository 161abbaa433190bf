"""The list of members at the end of a zip archive (PKWARE's APPNOTE 6.3, sections 4.3.12 to 4.3.16 and 4.5.3)."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np

END = Struct("<4s4H2LH")
"""Signature, disk, the directory's disk, members on it, members, the directory's bytes and place, length of a
comment."""
END64_PLACE = Struct("<4sLQL")
END64 = Struct("<4sQ2H2L4Q")
ENTRY = Struct("<4sBBHHHLLLL3H2HLL")
"""Signature, version, system, version needed, flags, method, time and date, crc, sizes packed and unpacked, lengths of
name, extra and comment, disk, two kinds of attributes, place."""
EXTRA = Struct("<2H")
"""Kind and length of each extra field."""
LONGEST_TAIL = (1 << 16) - 1
"""Bytes of a comment, a name or an extra field."""
FULL = (1 << 32) - 1
"""Stands for a number that 32 bits do not hold."""
WINDOW_BYTES = 1 << 20


class NotWholeError(Exception):
    """What is wrong with the archive as a whole."""


@dataclass(frozen=True)
class Listing:
    """Where the list of members is."""

    start: int
    size: int
    """In bytes."""
    count: int
    shift: int
    """What to add to every place in it: something may stand in front of an archive, such as a program that unpacks
    it, and the places do not count that."""


def find_listing(descriptor: int, length: int) -> Listing:
    """Of the archive of that many bytes. NotWholeError where there is none, or it cannot be."""
    tail_start = max(0, length - END.size - LONGEST_TAIL)
    tail = os.pread(descriptor, length - tail_start, tail_start)
    latest = len(tail) - END.size
    at = tail.rfind(b"PK\5\6", 0, latest + 4) if latest >= 0 else -1  # earlier, where a comment stands behind it
    if at < 0:
        raise NotWholeError("the list of its members, at its end, is missing")
    _, disk, first_disk, _, count, size, place, _ = END.unpack_from(tail, at)
    end = tail_start + at
    if wide := _wide_end(descriptor, end, length):
        end, fields = wide
        _, _, _, _, disk, first_disk, _, count, size, place = fields
    if disk or first_disk:
        raise NotWholeError("it is one of several parts")
    if place + size > end:
        raise NotWholeError("the list of its members lies beyond its end")
    return Listing(end - size, size, count, end - size - place)


def _wide_end(descriptor: int, end: int, length: int) -> tuple[int, tuple[Any, ...]] | None:
    """(its place, its fields) where the archive is too large for the end's 16 and 32 bits."""
    locator_at = end - END64_PLACE.size
    if locator_at < END64.size:
        return None
    sign, _, place, _ = END64_PLACE.unpack(os.pread(descriptor, END64_PLACE.size, locator_at))
    if sign != b"PK\6\7":
        return None
    # Where it is if it has no fields of later versions; otherwise where the archive says.
    for at in (locator_at - END64.size, min(place, length)):
        block = os.pread(descriptor, END64.size, at)
        if len(block) == END64.size and block.startswith(b"PK\6\6"):
            return at, END64.unpack(block)
    raise NotWholeError("the list of its members, at its end, is broken")


def headers(descriptor: int, listing: Listing) -> Iterator[tuple[tuple[Any, ...], bytes, bytes]]:
    """(the fields of ENTRY, name, extra) of each member."""
    largest = ENTRY.size + 3 * LONGEST_TAIL
    window, base, at, end, seen = b"", listing.start, 0, listing.start + listing.size, 0
    while base + at < end:
        if at + largest > len(window) and base + len(window) < end:
            base, at = base + at, 0
            window = os.pread(descriptor, min(WINDOW_BYTES, end - base), base)
        if at + ENTRY.size > len(window):
            break
        fields = ENTRY.unpack_from(window, at)
        name_at, extra_at = at + ENTRY.size, at + ENTRY.size + fields[10]
        comment_at = extra_at + fields[11]
        at = comment_at + fields[12]
        if fields[0] != b"PK\1\2" or at > len(window):
            break
        seen += 1
        yield fields, window[name_at:extra_at], window[extra_at:comment_at]
    # Archives of more than 65,535 members that know no larger count have it modulo that.
    if base + at != end or (seen - listing.count) % (1 << 16):
        raise NotWholeError("the list of its members, at its end, is broken")


def wide_numbers(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The same three, from the field that holds those which do not fit 32 bits; unchanged where it is missing."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = EXTRA.unpack_from(extra, at)
        if kind == 1:
            field_bytes = extra[at + 4 : at + 4 + length]
            numbers = iter(np.frombuffer(field_bytes[: len(field_bytes) // 8 * 8], "<u8").tolist())
            size = next(numbers, size) if size == FULL else size
            packed = next(numbers, packed) if packed == FULL else packed
            return size, packed, next(numbers, offset) if offset == FULL else offset
        at += 4 + length
    return size, packed, offset
