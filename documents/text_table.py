"""Tables kept as text (csv, tsv, txt): finds the encoding and the separator, and says in the notes what it chose."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Literal

from contracts.grid import Grid, Sheet, Unreadable, Value

ENCODINGS = ("cp1251", "cp866", "koi8-r")
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
SEPARATORS = (";", "\t", "|", ",")  # the comma last: it is also the decimal mark
SAMPLE = 1 << 16  # characters looked at for encoding and separator
FIELD_LIMIT = 131_072  # the longest field that csv accepts
LAST_LINE = "\x1fend\n"  # put after the text to see whether a quotation mark was left open

# How usual a character is in Russian text, the common letters first. In a wrong encoding come up rare letters,
# capitals inside words, letters of other alphabets and line-drawing characters.
COMMON, MIDDLE, RARE = "оеаинтсрвлкмдпу", "яыьгзбчйхжшю", "цщэфъё"
WEIGHT = (
    dict.fromkeys(COMMON, 2.0)
    | dict.fromkeys(MIDDLE, 0.5)
    | dict.fromkeys(RARE, -1.0)
    | dict.fromkeys("№«»–—…“”„’°±§\xa0", 0.0)
)
UNUSUAL = -5.0
PAIRS = re.compile(
    "(?=ст|но|ен|то|на|ов|ни|ра|во|ко|ал|ли|по|ре|ро|го|ка|ос|ль|ер|пр|та|ан|ор|ие|ия|ол|ат|ел|ва|от|ес|ть|ны|ом|де|"
    "ле|ин|те|не|об|ри|тр|ск|ий|ой|ый|ых|их|ая|ое|ам|му|да|до|за|из|ци|шк|бо|ла|ло|ти|ив|ве|ви|ет|ит|он|ед|ме|ми|мо|"
    "ож|уч|ща|щи|ша|ше|чи|че|ча)"
)
CASE_BREAK = re.compile("[а-яё][А-ЯЁ]")
WORD_START = re.compile("(?<![А-ЯЁа-яё])[ЬЫЪьыъ]")
DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")
MARKUP = (
    (("<!doctype html", "<html", "<head", "<meta", "<table", "<body", "<div"), "a web page"),
    (("<?xml", "<workbook"), "XML; it may be saved again as xlsx"),
    (("mime-version:",), "a saved web page"),
)


def read(stem: str, data: bytes) -> Grid:
    """Read a text as one sheet of texts, named after the file."""
    text, encoding = _decode(data)
    _refuse_markup(text)
    notes = [f"encoding {encoding}"]
    # Excel's own hint, which it does not show as a row.
    hint = re.match(r"sep=(.)(\r\n|\r|\n|$)", text)
    if hint:
        text, separator = text[hint.end() :], hint[1]
    else:
        separator = separator_of(text)
    notes.append(f"separator {'tab' if separator == chr(9) else separator!r}" if separator else "no separator")
    records, is_closed = _records(text, separator or "\t", csv.QUOTE_MINIMAL)
    if not is_closed:
        records, _ = _records(text, separator or "\t", csv.QUOTE_NONE)
        notes.append("a quotation mark is never closed, so quotation marks are kept as text")
    rows: list[list[Value]] = [[field or None for field in record] for record in records]
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    return Grid([Sheet(stem, rows)], "csv", tuple(notes))


def _decode(data: bytes) -> tuple[str, str]:
    for bom, encoding in BOMS:
        if data.startswith(bom):
            try:
                return _checked(data[len(bom) :].decode(encoding)), f"{encoding} with BOM"
            except UnicodeDecodeError:
                raise Unreadable("corrupt", f"The text is marked as {encoding}, but is not.") from None
    if b"\x00" in data:
        encoding = _utf16(data[:SAMPLE])
        try:
            return _checked(data.decode(encoding)), f"{encoding} without BOM"
        except UnicodeDecodeError:
            raise Unreadable("corrupt", "The text is damaged UTF-16.") from None
    try:
        return _checked(data.decode("utf-8")), "utf-8"
    except UnicodeDecodeError:
        pass
    if _is_damaged_utf8(data):
        raise Unreadable("corrupt", "The text is UTF-8 with damaged or missing bytes.")
    encoding = guess_encoding(data)
    return _checked(data.decode(encoding)), encoding


def guess_encoding(data: bytes) -> str:
    """The most plausible of the Russian one-byte encodings. A doubtful short text is cp1251, by far the most usual."""
    sample = data[:SAMPLE]
    if sample.isascii():
        sample = bytes(byte for byte in data if byte >= 0x80)[:SAMPLE]
    scores: dict[str, float] = {}
    for encoding in ENCODINGS:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue  # cp1251 leaves one byte without a meaning
        scores[encoding] = _plausibility(sample.decode(encoding)) + (6 if encoding == "cp1251" else 0)
    return max(scores, key=lambda encoding: scores[encoding])


def _plausibility(text: str) -> float:
    breaks = len(CASE_BREAK.findall(text)) + len(WORD_START.findall(text))
    capitals = sum(count for letter, count in Counter(text).items() if "А" <= letter <= "Я")
    text = text.lower()
    letters = sum(WEIGHT.get(letter, UNUSUAL) * count for letter, count in Counter(text).items() if letter >= "\x80")
    return letters + 2 * len(PAIRS.findall(text)) - 4 * breaks - 0.5 * capitals


def _utf16(data: bytes) -> str:
    """UTF-16 without a mark: every second byte is 00 (Latin), 04 (Cyrillic) or 20, 21 (dashes, the numero sign)."""
    for encoding, upper in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        if len(upper) > 1 and sum(upper.count(byte) for byte in b"\x00\x04\x20\x21") >= 0.95 * len(upper):
            lower = data[::2] if encoding == "utf-16-le" else data[1::2]
            if lower.count(0) <= 0.05 * len(lower):
                return encoding
    if sum(byte < 9 for byte in data) - data.count(0) > 0.01 * len(data):
        raise Unreadable("unknown", "The file is not a table; it looks like binary data.")
    raise Unreadable("corrupt", "The text contains zero bytes.")


def _is_damaged_utf8(data: bytes) -> bool:
    """Most of the bytes above ASCII make proper UTF-8 characters, but not all."""
    high = sum(byte >= 0x80 for byte in data[:SAMPLE])
    proper = sum(map(len, re.findall(rb"[\xc3-\xdf][\x80-\xbf]|[\xe2][\x80-\xbf]{2}", data[:SAMPLE])))
    return proper > 0.8 * high


def _checked(text: str) -> str:
    if "\x00" in text:
        raise Unreadable("corrupt", "The text contains zero characters.")
    if len(CONTROLS.findall(text[:SAMPLE])) > 0.01 * len(text[:SAMPLE]):
        raise Unreadable("unknown", "The file is not a table; it looks like binary data.")
    return text


def _refuse_markup(text: str) -> None:
    start = text[:1000].lstrip().lower()
    for openings, what in MARKUP:
        if start.startswith(openings):
            raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")


def separator_of(text: str) -> str | None:
    """The separator that gives the most records the same number of columns; None if none of them splits anything."""
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r"))]
    agreement = {separator: _agreement(sample, separator) for separator in SEPARATORS}
    if max(agreement[separator] for separator in ";\t|") >= 0.5:
        # Beside another good separator the commas between digits are decimal marks.
        agreement[","] = min(agreement[","], _agreement(DECIMAL_COMMA.sub(".", sample), ","))
    best = max(SEPARATORS, key=lambda separator: agreement[separator])
    return best if agreement[best] else None


def _agreement(sample: str, separator: str) -> float:
    """Share of the records that have the most usual number of columns, not counting single-column records."""
    try:
        records, _ = _records(sample, separator, csv.QUOTE_MINIMAL)
    except Unreadable:
        return 0.0
    counts = Counter(len(record) for record in records if any(record))
    split = [count for columns, count in counts.items() if columns > 1]
    return max(split) / counts.total() if split else 0.0


def _records(text: str, separator: str, quoting: Literal[0, 3]) -> tuple[list[list[str]], bool]:
    """The records, and whether every quotation mark that opened a field was closed."""
    end = "" if not text or text.endswith(("\n", "\r")) else "\n"
    source = io.StringIO(text + end + LAST_LINE, newline="")
    try:
        records = list(csv.reader(source, delimiter=separator, quoting=quoting))
    except csv.Error:
        raise Unreadable("corrupt", f"The text has a field of more than {FIELD_LIMIT} characters.") from None
    is_closed = records[-1] == [LAST_LINE.strip("\n")]
    return records[:-1] if is_closed else records, is_closed
