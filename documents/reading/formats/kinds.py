"""What a file is that is not a table: told by its bytes, named for engineers in English and for senders by a phrase."""

from __future__ import annotations

import json
import re

from contracts.grid import Unreadable

SIGNATURES = (
    (0, b"%PDF", "a PDF document", "pdf"),
    (0, b"\xff\xd8\xff", "a JPEG picture", "picture"),
    (0, b"\x89PNG", "a PNG picture", "picture"),
    (0, b"GIF8", "a GIF picture", "picture"),
    (0, b"II*\x00", "a TIFF picture", "picture"),
    (0, b"MM\x00*", "a TIFF picture", "picture"),
    (0, b"AT&TFORM", "a DjVu scan", "picture"),
    (4, b"ftyphei", "a HEIC photograph", "picture"),
    (4, b"ftyphev", "a HEIC photograph", "picture"),
    (4, b"ftypmif1", "a HEIC photograph", "picture"),
    (4, b"ftypavif", "an AVIF picture", "picture"),
    (8, b"WEBPVP8", "a WebP picture", "picture"),
    (4, b"ftyp", "a film", "film"),
    (0, b"ID3", "a sound", "film"),
    (0, b"OggS", "a sound", "film"),
    (0, b"Rar!", "a RAR archive", "archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "archive"),
    (0, b"\x1f\x8b", "a gzip archive", "archive"),
    (0, b"BZh", "a bzip2 archive", "archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive", "archive"),
    (257, b"ustar", "a tar archive", "archive"),
    (0, b"{\\rtf", "an RTF document", "document"),
    (0, b"SQLite format 3\x00", "a SQLite database", "database"),
    (4, b"Standard Jet DB", "an Access database", "database"),
    (4, b"Standard ACE DB", "an Access database", "database"),
    (0, b"1CDBMSV8", "a 1C database", "database"),
    (0, b"MZ\x90\x00", "a Windows program", "program"),
    (0, b"\x7fELF", "a program", "program"),
    (0, b"PAR1", "a Parquet table", "another_program"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut to a file", "pointer"),
    (0, b"\x09\x00\x04\x00", "a workbook of Excel 2, which is too old", "old_workbook"),
    (0, b"\x09\x02\x06\x00", "a workbook of Excel 3, which is too old", "old_workbook"),
    (0, b"\x09\x04\x06\x00", "a workbook of Excel 4, which is too old", "old_workbook"),
    (0, b"\x00\x00\x02\x00\x06\x04", "a workbook of Lotus 1-2-3", "old_workbook"),
    (0, b"\x00\x00\x1a\x00", "a workbook of Lotus 1-2-3", "old_workbook"),
)
"""Place, bytes, what it looks like, the phrase `unreadable.*` for the sender; the first that fits counts."""

# An archive of another program: a member that tells it, or a folder with a slash at its end; what it is, the phrase.
PACKAGES = (
    ("index/tables/", "a spreadsheet of Apple Numbers", "numbers"),
    ("index/slide.iwa", "a presentation of Apple Keynote", "presentation"),
    ("index/document.iwa", "a document of Apple Pages or Numbers", "numbers"),
    ("metadata/properties.plist", "a document of Apple Pages or Numbers", "numbers"),
    ("index.apxl", "a presentation of Apple Keynote", "presentation"),
    ("word/document.xml", "a Word document", "word"),
    ("ppt/presentation.xml", "a PowerPoint presentation", "presentation"),
    ("visio/document.xml", "a Visio drawing", "document"),
    ("fixeddocseq.fdseq", "an XPS document", "pdf"),
    ("androidmanifest.xml", "an Android program", "program"),
    ("meta-inf/manifest.mf", "a Java program", "program"),
    ("appxmanifest.xml", "a Windows program", "program"),
    ("datamodel", "a Power BI report", "another_program"),
    ("report/layout", "a Power BI report", "another_program"),
    ("datamashup", "a Power BI report", "another_program"),
    ("meta-inf/container.xml", "an electronic book", "document"),
    ("doc.kml", "a map", "another_program"),
)
# What the root element of the main part of an Office package says.
OFFICE = {
    "document": ("a Word document", "word"),
    "presentation": ("a PowerPoint presentation", "presentation"),
    "visiodocument": ("a Visio drawing", "document"),
}
MIMETYPES = (
    ("application/vnd.oasis.opendocument.text", "an OpenDocument text", "document"),
    ("application/vnd.oasis.opendocument.presentation", "an OpenDocument presentation", "presentation"),
    ("application/vnd.oasis.opendocument", "an OpenDocument file that is not a spreadsheet", "document"),
    ("application/epub", "an electronic book", "document"),
)
STREAMS = (
    ("worddocument", "a Word document", "word"),
    ("powerpoint document", "a PowerPoint presentation", "presentation"),
    ("__properties_version1.0", "a message of Outlook", "letter"),
    ("visiodocument", "a Visio drawing", "document"),
    ("catalog", "a picture cache of Windows", "program"),
)
"""Streams of an OLE2 file that tell what it is."""

POINTER_SIZE = 1 << 14
"""Characters of the longest text that may be a pointer to a file."""
POINTERS = (
    (re.compile(r"version https?://(?:git-lfs|hawser)\.github\.com/"), "a Git LFS pointer to a file"),
    (re.compile(r"\S*/annex/objects/\S+\s*$"), "a git-annex pointer to a file"),
    (re.compile(r"\[InternetShortcut", re.IGNORECASE), "a shortcut to a web page"),
    (re.compile(r"\[Desktop Entry\]"), "a shortcut to a program or a file"),
    (re.compile(r"<\?xml\b.*<plist\b.*<key>URL</key>", re.DOTALL), "a shortcut to a web page"),
    (re.compile(r"(?:\s*(?:https?|ftp|file)://\S+\s*)(?:\n|$)(?:\s*(?:https?|ftp|file)://\S+\s*(?:\n|$)){0,4}$"),
     "the address of a web page"),
)  # fmt: skip
WEB_DOCUMENT = ("url", "doc_id", "resource_id")
"""Keys of the little file that Google Drive leaves in place of a table kept on the web."""


def not_a_table(what: str, looks: str | None = None) -> Unreadable:
    """The refusal of what is no table: `what` it looks like in English, `looks` the phrase for the sender."""
    return Unreadable("unknown", f"The file is not a table; it looks like {what}.", looks)


def refuse_other_kinds(data: bytes) -> None:
    """Raises Unreadable for bytes that are known to be something else."""
    for place, magic, what, looks in SIGNATURES:
        if data.startswith(magic, place) and (place or magic != b"BZh" or data[4:10] == b"1AY&SY"):
            raise not_a_table(what, looks)
    if data.startswith(b"BM") and int.from_bytes(data[2:6], "little") == len(data):
        raise not_a_table("a BMP picture", "picture")
    if data.startswith(b"bplist00") and b"URL" in data[:POINTER_SIZE]:
        raise not_a_table("a shortcut to a web page", "pointer")


def refuse_pointer(text: str) -> None:
    """Raises Unreadable for a short text that only says where the file is."""
    if len(text) > POINTER_SIZE:
        return
    start = text.lstrip("\ufeff \t\r\n")
    for pattern, what in POINTERS:
        if pattern.match(start):
            raise not_a_table(what, "pointer")
    if start.startswith("{"):
        try:
            document = json.loads(start)
        except (ValueError, RecursionError):
            return
        if isinstance(document, dict) and len(document) < 10 and any(key in document for key in WEB_DOCUMENT):
            raise not_a_table("a pointer to a table kept on the web", "pointer")
