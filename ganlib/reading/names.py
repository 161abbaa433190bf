"""Names of files inside a source: the rules that make a directory and its archives agree."""

import re
from collections.abc import Sequence

HIDDEN = re.compile(r"(?:^|/)(?:\.|__MACOSX(?:/|$))")
DRIVE = re.compile(r"[A-Za-z]:[\\/]")
UNTIDY = re.compile(r"(?:^|/)\.?(?:/|$)")
"""An empty or a `.` part."""


def points_outside(name: str) -> bool:
    """Whether unpacking the member would leave the folder it is unpacked into, on any system."""
    if name.startswith(("/", "\\")) or DRIVE.match(name):
        return True
    return ".." in name and ".." in name.replace("\\", "/").split("/")


def tidy(name: str) -> str:
    """Without empty and `.` parts: `./cat//1.png` is `cat/1.png`."""
    if UNTIDY.search(name):
        return "/".join(part for part in name.split("/") if part not in ("", "."))
    return name


def hidden(name: str) -> bool:
    """Whether a tidy name is one that nobody looks at, or lies in such a folder."""
    return HIDDEN.search(name) is not None


def escaped(name: str) -> str:
    """The name with what is not valid text (the bytes of another encoding) as `\\udce9` and the like."""
    if name.isascii():
        return name
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(text: str) -> str:
    """The text in one line: what does not print is escaped."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def readable_names(names: Sequence[str]) -> Sequence[str]:
    """The same names as valid text; two different ones stay different."""
    odd = {name: text for name in names if (text := escaped(name)) != name}
    if not odd:
        return names
    taken = set(names)
    for name, text in odd.items():
        while text in taken:
            text = text.replace("\\", "\\\\")  # noqa: PLW2901 - until it is new
        taken.add(text)
        odd[name] = text
    return [odd.get(name, name) for name in names]
