"""Texts of an xls: with a code page until Excel 95, in UTF-16 or its lower half since Excel 97."""

from __future__ import annotations

import codecs
import struct

IS_WIDE, HAS_PHONETIC, HAS_FONTS = 1, 4, 8
"""Bits before a text: two bytes a letter, how it is read aloud after it, several fonts after it."""
PAGES = {10000: "mac_roman", 10007: "mac_cyrillic", 32768: "mac_roman", 32769: "cp1252", 367: "ascii", 1200: "cp1252"}


def code_page_name(code_page: int) -> str:
    """The codec of a code page; that of Western Europe for one that Python does not know."""
    try:
        return codecs.lookup(PAGES.get(code_page, f"cp{code_page}")).name
    except LookupError:
        return "cp1252"


def narrow_text(data: bytes, width: int, encoding: str) -> str:
    """A text of Excel 95, after its length in `width` bytes."""
    length = int.from_bytes(data[:width], "little")
    return data[width : width + length].decode(encoding, "replace")


def wide_text(data: bytes, width: int) -> str:
    """A text of Excel 97, after its length in letters in `width` bytes and a byte of bits."""
    length, bits = int.from_bytes(data[:width], "little"), data[width]
    at = width + 1 + (2 if bits & HAS_FONTS else 0) + (4 if bits & HAS_PHONETIC else 0)
    if bits & IS_WIDE:
        return data[at : at + 2 * length].decode("utf-16-le", "replace")
    return data[at : at + length].decode("latin-1")


def shared_texts(pieces: list[bytes]) -> list[str]:
    """The texts of an SST record and of those that continue it. The counts that it states do not matter.

    A text may go on in the next record; there it begins with a byte of bits of its own, and may change its width.
    """
    source = _Pieces(pieces)
    source.skip(8)
    texts: list[str] = []
    while not source.is_over():
        length, bits = struct.unpack("<HB", source.take(3))
        fonts = int.from_bytes(source.take(2), "little") if bits & HAS_FONTS else 0
        phonetic = int.from_bytes(source.take(4), "little") if bits & HAS_PHONETIC else 0
        texts.append(source.letters(length, bits))
        source.skip(4 * fonts + phonetic)
    return texts


class _Pieces:
    """The bytes of several records, one after another."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.place = self.at = 0

    def is_over(self) -> bool:
        """Whether nothing follows; zeros at the end of the last record are no texts."""
        while self.place < len(self.pieces) and self.at >= len(self.pieces[self.place]):
            self.place, self.at = self.place + 1, 0
        return self.place >= len(self.pieces) or (
            self.place == len(self.pieces) - 1 and len(self.pieces[-1]) - self.at < 3
        )

    def take(self, size: int) -> bytes:
        """So many bytes. Raises IndexError when they are not there."""
        data = b""
        while len(data) < size:
            if self.place >= len(self.pieces):
                raise IndexError("texts cut off")
            part = self.pieces[self.place][self.at : self.at + size - len(data)]
            data += part
            self.at += len(part)
            if self.at >= len(self.pieces[self.place]):
                self.place, self.at = self.place + 1, 0
        return data

    def skip(self, size: int) -> None:
        while size > 0 and self.place < len(self.pieces):
            step = min(size, len(self.pieces[self.place]) - self.at)
            self.at += step
            size -= step
            if self.at >= len(self.pieces[self.place]):
                self.place, self.at = self.place + 1, 0

    def letters(self, count: int, bits: int) -> str:
        """So many letters of a text with these bits."""
        texts: list[str] = []
        while count > 0:
            if self.place >= len(self.pieces):
                raise IndexError("texts cut off")
            piece, width = self.pieces[self.place], 2 if bits & IS_WIDE else 1
            raw = piece[self.at : self.at + width * count]
            raw = raw[: len(raw) // width * width]
            texts.append(raw.decode("utf-16-le" if width == 2 else "latin-1", "surrogatepass"))
            count -= len(raw) // width
            self.at += len(raw)
            if count > 0:
                self.place, self.at = self.place + 1, 1
                if self.place >= len(self.pieces) or not self.pieces[self.place]:
                    raise IndexError("texts cut off")
                bits = self.pieces[self.place][0]
        if self.place < len(self.pieces) and self.at >= len(self.pieces[self.place]):
            self.place, self.at = self.place + 1, 0
        return "".join(texts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
