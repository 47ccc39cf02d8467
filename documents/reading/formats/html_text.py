"""The text of a web page, and its tokens.

One expression of our own finds the tokens. The parser of the standard library takes time by the square of the size for
tags that never end, and that stands in interpreters we allow. Every expression here passes over the text once.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html import unescape

from contracts.grid import Doubt, Unreadable

PAGE = re.compile(r"<(?:!doctype\s+html|html|head|meta|title|body|div|table)\b", re.IGNORECASE)
XHTML = re.compile(r"<\?xml\b[^>]*+>\s*(?:<!--|<!doctype\s+html\b|<html\b)", re.IGNORECASE)
TABLE = re.compile(r"<table[\s>]", re.IGNORECASE)
TOKEN = re.compile(
    r"""<!--(?:-?>|.*?(?:--!?>|\Z))         # a comment
      | <(?:[!?]|/(?![a-z]))[^>]*+(?:>|\Z)   # a declaration, or what browsers take for a comment
      | <(?P<end>/?)(?P<name>[a-z][^\s/>]*+)
         (?P<told>(?:=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))|[^>=]++|=)*+)(?:>|\Z)
      | (?P<text>[^<]++|<)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)|'([^']*+)|([^\s>"']++)))?""")
CHARSET = re.compile(
    rb"""(?:<meta\b[^>]{0,500}?charset|<\?xml\b[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
UNSHOWN = {name: re.compile(f"</{name}\\b", re.IGNORECASE) for name in ("script", "style", "title", "textarea", "xml")}
SPACES = re.compile(r"[ \t\n\r\f]+")
SAMPLE = 1 << 12  # bytes in which a page names its encoding
LATIN = ("cp1252", "iso8859-1")
ONE_BYTE = ("cp125", "cp866", "iso8859", "koi8", "mac")

Token = tuple[str, bool, str, str]


def is_page(text: str) -> bool:
    """Does a text begin as a web page, or with another element and have a table?"""
    start = text[:1000].lstrip("\ufeff \t\r\n\f")
    if not start.startswith("<") or start.startswith("<?"):
        return bool(XHTML.match(start))
    return bool(PAGE.match(start) or TABLE.search(text))


def as_page_says(
    data: bytes, text: str, encoding: str, doubts: tuple[Doubt, ...]
) -> tuple[str, str, tuple[Doubt, ...]]:
    """What `decoded` made of the bytes of a page, mended by the encoding that the page names.

    Pages name a wrong one often: Latin where the letters are Russian, or another than the UTF-8 that they are.
    """
    charset = CHARSET.search(data[:SAMPLE])
    if not charset or encoding.startswith("utf-"):
        return text, encoding, doubts
    try:
        named = codecs.lookup(charset[1].decode("ascii", "replace")).name
        as_said = data.decode(named) if named.startswith(ONE_BYTE) else None
    except (LookupError, UnicodeError):
        return text, encoding, doubts
    if as_said is None or (named in LATIN and not doubts and as_said != text):
        return text, encoding, doubts if as_said is None else (Doubt("encoding", encoding, named),)
    return as_said, named, () if doubts or as_said == text else (Doubt("encoding", named, encoding),)


def tokens(text: str) -> Iterator[Token]:
    """A tag: its name, whether it ends the element, its attributes as written; or a piece of shown text at the end."""
    place = 0
    while match := TOKEN.match(text, place):
        place = match.end()
        if match["text"]:
            yield "", False, "", match["text"]
        elif match["name"]:
            name = match["name"].lower()
            if name in UNSHOWN and not match["end"]:
                closing = UNSHOWN[name].search(text, place)
                place = closing.start() if closing else len(text)
            yield name, bool(match["end"]), match["told"], ""


def attributes(raw: str) -> dict[str, str]:
    """The attributes of a tag; of two with one name the first counts."""
    values: dict[str, str] = {}
    for name, double, single, bare in ATTRIBUTE.findall(raw):
        values.setdefault(name.lower(), unescaped(double or single or bare))
    return values


def unescaped(text: str) -> str:
    """Text with its entities decoded. Raises Unreadable for a number that no letter has."""
    if "&" not in text:
        return text
    try:
        return unescape(text)
    except ValueError:  # Python makes no number of thousands of digits
        raise Unreadable("corrupt", "The page has an entity of thousands of digits.") from None


class Lines:
    """Text as a browser lays it out: spaces made one, lines broken where a tag says so."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def add(self, text: str) -> None:
        """Text goes on in the same line, its spaces made one."""
        text = SPACES.sub(" ", unescaped(text))
        if self.is_within_line or text != " ":
            self.pieces.append(text)

    def break_line(self) -> None:
        """The line ends here, even if it is blank."""
        self.pieces.append("\n")

    def begin_line(self) -> None:
        """What follows stands in a line of its own."""
        if self.is_within_line:
            self.pieces.append("\n")

    @property
    def is_within_line(self) -> bool:
        return bool(self.pieces) and self.pieces[-1] != "\n"

    def taken(self) -> str:
        """The text so far, which is then forgotten. No-break spaces alone are no text."""
        if len(self.pieces) == 1:
            text = self.pieces.pop().strip(" \n")
            return text if text.strip() else ""
        lines = [SPACES.sub(" ", line).strip(" ") for line in "".join(self.pieces).split("\n")]
        self.pieces = []
        text = "\n".join(lines).strip("\n")
        return text if text.strip() else ""
