"""Changing a few places of an XML part and leaving every other byte as its program wrote it.

A workbook that goes through a library and back loses what the library does not know: charts, pictures, the results of
formulas. So the places are found by a streaming parser, and only they are cut out and replaced.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from xml.parsers import expat

TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
ENCODING = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)""")
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NAME_END = re.compile(rb"(?=[\s/>])")
BOM = b"\xef\xbb\xbf"


class Unusual(Exception):
    """A part is not as programs write it; its text says which and may be shown anywhere."""


@dataclass(slots=True)
class Element:
    """An element of a part: `start` and `end` are its first byte and the byte after it, `inner` and `close` those of
    what it holds. `depth` is 1 for the root."""

    name: str
    attributes: dict[str, str]
    depth: int
    start: int
    inner: int
    close: int = 0
    end: int = 0

    def moved(self, by: int) -> Element:
        """The element as a part of something longer, in which it begins so many bytes later."""
        places = (self.start + by, self.inner + by, self.close + by, self.end + by)
        return Element(self.name, self.attributes, self.depth, *places)

    @property
    def is_empty_tag(self) -> bool:
        """Is it written `<name/>`, without an end tag?"""
        return self.inner == self.end


@dataclass
class Markup:
    """An XML part, its elements down to a depth and those of the wanted names below it, and changes to make.

    Raises Unusual for a part that is not UTF-8, declares entities or is not XML.
    """

    data: bytes
    wanted: Collection[str] = ()
    depth: int = 2
    elements: list[Element] = field(default_factory=list)
    changes: list[tuple[int, int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = self.data.removeprefix(BOM)
        encoding = ENCODING.match(self.data)
        if self.data.startswith((b"\xff\xfe", b"\xfe\xff")) or (
            encoding and encoding[1].lower() not in (b"utf-8", b"ascii")
        ):
            raise Unusual("a part that is not UTF-8")
        self._parse()
        if not self.elements:
            raise Unusual("a part without a root")

    def _parse(self) -> None:
        parser = expat.ParserCreate()
        opened: dict[int, Element] = {}
        level, data, wanted, limit, elements = 0, self.data, frozenset(self.wanted), self.depth, self.elements

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal level
            level += 1
            name = tag.rpartition(":")[2]
            if level <= limit or name in wanted:
                index = parser.CurrentByteIndex
                tag_match = TAG.match(data, index)
                if tag_match is None:
                    raise Unusual("a tag that is not found where it was parsed")
                opened[level] = Element(name, attributes, level, index, tag_match.end())
                elements.append(opened[level])

        def end(_: str) -> None:
            nonlocal level
            element = opened.pop(level, None)
            level -= 1
            if element is None:
                return
            if data.startswith(b"/>", element.inner - 2):
                element.close = element.end = element.inner
            else:
                element.close = parser.CurrentByteIndex
                element.end = data.index(b">", element.close) + 1

        def refuse(*_: object) -> None:
            raise Unusual("a part with entities of its own")

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.StartDoctypeDeclHandler = refuse
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, ValueError):
            raise Unusual("a part that is not XML") from None

    @property
    def root(self) -> Element:
        """The outermost element of the part."""
        return self.elements[0]

    @property
    def prefix(self) -> str:
        """The prefix of the root's namespace with its colon, or nothing."""
        tag = self.data[self.root.start + 1 : self.root.inner].split(None, 1)[0].decode()
        return tag[: tag.index(":") + 1] if ":" in tag else ""

    def named(self, name: str, depth: int | None = None) -> list[Element]:
        """Elements of a name, whatever their prefix, at a depth or at all; in the order of the part."""
        return [element for element in self.elements if element.name == name and depth in (None, element.depth)]

    def first(self, *names: str, depth: int = 2) -> Element | None:
        """The first element at a depth that has one of these names."""
        return next((element for element in self.elements if element.depth == depth and element.name in names), None)

    def text(self, element: Element) -> bytes:
        """An element as it is written, its tags included."""
        return self.data[element.start : element.end]

    def tag(self, element: Element) -> bytes:
        """The start tag of an element as it is written."""
        return self.data[element.start : element.inner]

    def replace(self, element: Element, text: bytes) -> None:
        """Put text in the place of a whole element."""
        self.changes.append((element.start, element.end, text))

    def insert(self, at: int, text: bytes) -> None:
        """Put text before a byte of the part as it was parsed."""
        self.changes.append((at, at, text))

    def set(self, element: Element, **attributes: object) -> None:
        """Set attributes in an element's tag."""
        self.changes.append((element.start, element.inner, with_attributes(self.tag(element), **attributes)))

    def append(self, element: Element, text: bytes, **attributes: object) -> None:
        """Put text at the end of what an element holds, and set attributes in its tag."""
        tag = with_attributes(self.tag(element), **attributes)
        if not element.is_empty_tag:
            self.changes.append((element.start, element.inner, tag))
            self.insert(element.close, text)
            return
        name = tag[1:].split(None, 1)[0].rstrip(b"/>")
        self.replace(element, tag[:-2].rstrip() + b">" + text + b"</" + name + b">")

    def changed(self) -> bytes:
        """The part with all changes made."""
        parts, position = [], 0
        for start, end, text in sorted(self.changes, key=lambda change: change[:2]):
            if start < position:
                raise Unusual("changes that overlap")
            parts += [self.data[position:start], text]
            position = end
        return b"".join([*parts, self.data[position:]])


def with_attributes(tag: bytes, **attributes: object) -> bytes:
    """A start tag with attributes set; values must need no escaping."""
    for name, value in attributes.items():
        key, text = name.encode(), f'{name}="{value}"'.encode()
        pattern = re.compile(rb"(?<=\s)" + key + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""")
        place = pattern.search(tag) or NAME_END.search(tag)
        if place is None:
            raise Unusual("a tag without a name")
        tag = tag[: place.start()] + (text if place[0] else b" " + text) + tag[place.end() :]
    return tag


def escaped(text: str) -> str:
    """Text for XML, in content and in attributes alike; characters that XML cannot hold are left out."""
    text = ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
