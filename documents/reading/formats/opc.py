"""The package of an Office document: a zip of parts, and relations that say which part is what.

Where a part lies is the writer's choice. Most programs keep to the same names, so names alone are a hint, not a rule.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from functools import cached_property
from typing import IO, NamedTuple
from urllib.parse import unquote
from xml.parsers import expat

from documents.reading.formats.extras import walk

ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z]\w*)[\s/>]")
ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.-]+)""")
UTF8 = (b"utf-8", b"utf8", b"us-ascii", b"ascii")
USUAL_STARTS = (b'<?xml version="1.0" encoding="UTF-8"', b"<worksheet", b"<sst", b"<styleSheet", b"<workbook")
UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
BINARY_WORKBOOK = b"\x83\x01"  # the record that begins the main part of an xlsb
USUAL = re.compile(
    r"xl/(?:\w+/|(?:workbook|styles|sharedstrings|calcchain|metadata)\.xml)|docprops/|_rels/|\[content_|customxml/"
)
"""Members whose names leave no doubt about which is the workbook: the relations of the package need not be read."""
START = 4096
SMALL = 1 << 16
DAMAGE = (expat.ExpatError, LookupError, ValueError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError)
"""What comes out of a part that is damaged."""


class Relation(NamedTuple):
    """What a part is to another: the last word of its type, and the member of the archive; "" for one not there."""

    kind: str
    member: str


class Package:
    """The parts of an opened archive by their path, in small letters and without a leading slash."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.members = {normal(name): name for name in archive.namelist()}
        self._small: dict[str, bytes] = {}

    def member(self, path: str) -> str:
        """The member of the archive at a path; "" when there is none."""
        return self.members.get(normal(path), "")

    def relations(self, member: str) -> dict[str, Relation]:
        """The relations of a part by their ids; of the whole package for "". None when they are absent or damaged."""
        folder, name = posixpath.split(normal(member))
        relations: dict[str, Relation] = {}

        def relation(tag: str, attributes: dict[str, str]) -> None:
            if tag.rpartition(":")[2] == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2].lower()
                relations[attributes.get("Id", "")] = Relation(kind, self._target(folder, attributes.get("Target", "")))

        if there := self.member(posixpath.join(folder, "_rels", f"{name}.rels")):
            try:
                walk(self.open(there), relation)
            except DAMAGE:
                return {}
        return relations

    def _target(self, folder: str, target: str) -> str:
        """The member that a relation of a part in a folder points at; "" for none."""
        if there := self.members.get(f"{folder}/{target}".lower()):
            return there
        path = posixpath.join("/", folder, target.replace("\\", "/"))
        return self.member(posixpath.normpath(path)) or self.member(posixpath.normpath(unquote(path)))

    def start(self, member: str) -> bytes:
        """The first bytes of a part."""
        with self.open(member) as part:
            return part.read(START)

    def open(self, member: str) -> IO[bytes]:
        """A part for reading; small ones, which are asked for several times, are unpacked once."""
        if member not in self._small:
            if self.archive.getinfo(member).file_size > SMALL:
                return self.archive.open(member)
            self._small[member] = self.archive.read(member)
        return io.BytesIO(self._small[member])

    @cached_property
    def main_part(self) -> str:
        """The part that the document begins with, by the relations of the package, else by the usual names; or ""."""
        if "xl/workbook.xml" in self.members and all(USUAL.match(name) for name in self.members):
            return self.members["xl/workbook.xml"]  # no other part can be it
        for relation in self.relations("").values():
            if relation.kind == "officedocument" and relation.member:
                return relation.member
        for usual in ("xl/workbook.xml", "xl/workbook.bin"):
            if there := self.member(usual):
                return there
        return ""


def normal(path: str) -> str:
    """A path as parts are compared: with slashes, none at its beginning, in small letters."""
    return path.replace("\\", "/").lstrip("/").lower()


def root_of(start: bytes) -> str:
    """The name of the root element of an XML part that begins so, in small letters and without a prefix."""
    text = start.decode("utf-16" if start.startswith(UTF16[:2]) else "latin-1", "ignore").replace("\0", "")
    root = ROOT.search(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    return root[1].lower() if root else ""


def is_utf8(start: bytes) -> bool:
    """Whether an XML part that begins so is in UTF-8: that is all that calamine reads."""
    if start.startswith(USUAL_STARTS):
        return True
    if start.startswith(UTF16):
        return False
    encoding = ENCODING.match(start.removeprefix(b"\xef\xbb\xbf"))
    return encoding is None or encoding[1].lower() in UTF8
