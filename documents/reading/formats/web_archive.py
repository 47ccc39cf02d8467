"""Web pages saved as one file (mht, mhtml), which Excel writes too and which people send under the name of an xls."""

from __future__ import annotations

import codecs
import posixpath
import re
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from contracts.grid import Doubt, Grid, Sheet, Unreadable
from documents.reading.formats import html_table
from documents.reading.formats.encoding import decoded
from documents.reading.formats.html_text import unescaped
from documents.reading.formats.kinds import not_a_table

START = 4096
HEADER = re.compile(rb"\s*(?:[A-Za-z][A-Za-z0-9-]*:[^\r\n]*(?:\r?\n|\r)(?:[ \t][^\r\n]*(?:\r?\n|\r))*)+")
FIRST = re.compile(
    rb"\s*(?:mime-version|from|date|subject|message-id|received|return-path|delivered-to|content-type|content-location|"
    rb"snapshot-content-location|x-[a-z-]+)\s*:",
    re.IGNORECASE,
)
KIND = re.compile(rb"^content-type\s*:\s*([a-z]+/[a-z0-9.+-]+)", re.IGNORECASE | re.MULTILINE)
VERSION = re.compile(rb"^mime-version\s*:", re.IGNORECASE | re.MULTILINE)
SHEET = re.compile(r"<x:ExcelWorksheet>(.*?)</x:ExcelWorksheet>", re.DOTALL | re.IGNORECASE)
NAME = re.compile(r"<x:Name>([^<]*)</x:Name>", re.IGNORECASE)
SOURCE = re.compile(r"<x:WorksheetSource\s+HRef\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
HIDDEN = re.compile(r"<x:Visible>\s*Sheet(?:Very)?Hidden", re.IGNORECASE)
MOST_PARTS = 1000


def is_message(data: bytes) -> bool:
    """Do bytes begin as a message does: a saved web page, or a letter?"""
    data = data[:START].removeprefix(codecs.BOM_UTF8)
    if not FIRST.match(data, 0, START):
        return False
    head = HEADER.match(data, 0, START)
    return head is not None and (KIND.search(head[0]) is not None or VERSION.search(head[0]) is not None)


def read(stem: str, data: bytes) -> Grid:
    """The tables of the pages in a saved web page; a sheet of Excel is one page. Raises Unreadable for none."""
    data = data.removeprefix(codecs.BOM_UTF8).lstrip()
    head = HEADER.match(data, 0, START)
    kind = KIND.search(head[0]) if head else None
    if kind is not None and kind[1].lower() not in (b"multipart/related", b"text/html", b"multipart/alternative"):
        raise not_a_table("a saved letter", "letter")
    try:
        parts = list(BytesParser(policy=compat32).parsebytes(data).walk())
    except (RecursionError, ValueError, LookupError):
        raise Unreadable("corrupt", "The saved web page is damaged.") from None
    pages = [part for part in parts if part.get_content_type() == "text/html"][:MOST_PARTS]
    names = sheet_names(pages)
    sheets: list[Sheet] = []
    notes: list[str] = ["saved web page"]
    is_whole = not any(isinstance(defect, CloseBoundaryNotFoundDefect) for part in parts for defect in part.defects)
    doubts: list[Doubt] = [] if is_whole else [html_table.CUT_OFF]
    for page in pages:
        name, visible = names.get(location(page), ("", True)) if names else ("", True)
        if names and not name:
            continue  # the frame around the sheets, and the strip of their names
        try:
            grid = html_table.read(name or stem, *_page_text(page))
        except Unreadable as refused:
            if refused.reason != "unknown":
                raise
            continue
        if not name and sheets:
            name = f"{stem} ({len(sheets) + 1})"
        sheet = grid.sheets[0]
        sheets.append(
            Sheet(name or stem, sheet.rows, sheet.merged, visible, sheet.hidden_rows, percents=sheet.percents)
        )
        notes += [note for note in grid.notes if note not in notes]
        doubts += [doubt for doubt in grid.doubts if doubt not in doubts]
    if not sheets:
        raise not_a_table("a saved web page without a table", "page")
    return Grid(sheets, "mht", tuple(notes), tuple(doubts))


def sheet_names(pages: list[Message]) -> dict[str, tuple[str, bool]]:
    """File name of a page → name of the sheet of Excel that it is, and whether people see it; none for other pages."""
    sheets: dict[str, tuple[str, bool]] = {}
    for page in pages:
        _, text, _, _ = _page_text(page)
        for about in SHEET.findall(text):
            name, source = NAME.search(about), SOURCE.search(about)
            if name and source:
                file = posixpath.basename(source[1].replace("\\", "/")).lower()
                sheets[file] = unescaped(name[1]), HIDDEN.search(about) is None
        if sheets:
            return sheets
    return {}


def location(page: Message) -> str:
    """The file name of a page, in small letters."""
    return posixpath.basename(str(page.get("Content-Location", "")).strip().replace("\\", "/")).lower()


def _page_text(page: Message) -> tuple[bytes, str, str, tuple[Doubt, ...]]:
    """The bytes of a page, its text, and the encoding: that which its part names if it fits, else judged."""
    raw = page.get_payload(decode=True)
    data = raw if isinstance(raw, bytes) else b""
    charset = page.get_content_charset()
    if charset:
        try:
            return data, data.decode(charset), charset, ()
        except (LookupError, UnicodeError):
            pass
    return data, *decoded(data)
