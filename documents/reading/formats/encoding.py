"""The encoding of a text: a mark or UTF-8 when the bytes say so, else judged by how Russian the letters come out.

Our own score decides among the Cyrillic one-byte encodings, because it is fast and made for few letters. Where it is
not sure, and among the Latin ones, charset-normalizer gives a second opinion, and the sender is told of the doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from operator import add
from typing import Literal

import charset_normalizer

from contracts.grid import Doubt, Unreadable

USUAL = ("cp1251", "cp866", "koi8-r")
ENCODINGS = (*USUAL, "mac_cyrillic", "iso8859_5")
LATIN = ("cp1252", "cp1250", "mac_roman")
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
SAMPLE = 1 << 16  # bytes looked at to tell a text from other files
WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
REPEATS = 2
LETTERS = 600  # bytes above ASCII that are enough to tell their encoding
ASCII = bytes(range(128))
PRIOR = 6  # what a score must make up for against cp1251, by far the most usual
CLEAR = 12  # a lead in score that needs no second opinion
FEW = 12  # letters, under which the lead must be twice as great
MOST_LONE = 20  # bytes without a meaning in a text that is otherwise UTF-8
SURE_LETTERS = 10  # proper letters of UTF-8 that cannot come about by chance
LOST = "\ufffd"
LONE_SIGNS = "знаки, которые не удалось прочитать"
CLOSE = 3  # a lead that stays doubtful even if the second opinion agrees

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
PAIRS = frozenset(
    re.findall(
        "..",
        "стноентонаовниравокоаллипорерогокаосльерпртаанориеияолателваотестьныомделеинтенеобритрскийойыйыхихая"
        "оеаммудадозаизцишкболалотииввевиетитонедмемимоожучщащишашечичеча",
    )
)
CASE_BREAK = re.compile("[а-яё][А-ЯЁ]")
WORD_START = re.compile("(?<![А-ЯЁа-яё])[ЬЫЪьыъ]")
CYRILLIC_WORD = re.compile(r"(?<![^\W\d_])[А-ЯЁа-яё]{2,}(?![^\W\d_])")
FOREIGN_WORD = re.compile(r"(?:[A-Za-z][^\W\d_]*[^\W\d_A-Za-z]|[^\W\d_A-Za-z][^\W\d_]*[A-Za-z]|[^\W\d_A-Za-zА-Яа-яЁё])")
SIGN_IN_WORD = re.compile(r"[A-Za-z][^\x00-\x7fÀ-ÖØ-öø-ÿŠšŽž’]|[^\x00-\x7fÀ-ÖØ-öø-ÿŠšŽž‘„“«¡¿][A-Za-z]")
UTF8_LETTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe2][\x80-\xbf]{2}")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")


def decoded(data: bytes) -> tuple[str, str, tuple[Doubt, ...]]:
    """The text, its encoding in words, and the doubt there is about it. Raises Unreadable for what is not a text."""
    for bom, encoding in BOMS:
        if data.startswith(bom):
            try:
                return _checked(data[len(bom) :].decode(encoding)), f"{encoding} with BOM", ()
            except UnicodeDecodeError:
                if encoding == "utf-8" and _lone_signs(data):
                    return decoded(data[len(bom) :])
                raise Unreadable("corrupt", f"The text is marked as {encoding}, but is not.") from None
    if b"\x00" in data:
        encoding = _utf16(data[:SAMPLE])
        try:
            return _checked(data.decode(encoding)), f"{encoding} without BOM", ()
        except UnicodeDecodeError:
            raise Unreadable("corrupt", "The text is damaged UTF-16.") from None
    try:
        return _checked(data.decode("utf-8")), "utf-8", ()
    except UnicodeDecodeError:
        if lone := _lone_signs(data):
            return _checked(data.decode("utf-8", "replace")), "utf-8", (Doubt("parts", f"{LONE_SIGNS}: {lone}"),)
        encoding, doubts = one_byte_encoding(data)
    text = data.decode(encoding, errors_of(encoding))
    if lone := text.count(LOST):
        doubts = (*doubts, Doubt("parts", f"{LONE_SIGNS}: {lone}"))
    return _checked(text), encoding, doubts


def errors_of(encoding: str) -> Literal["replace", "strict"]:
    """What to do with bytes without a meaning: cp1251 leaves one (0x98), and that alone tells of no other encoding."""
    return "replace" if encoding == "cp1251" else "strict"


def _lone_signs(data: bytes) -> int:
    """How many bytes in a text of UTF-8 are none of its characters; 0 when it is no such text or was cut off."""
    text = data.decode("utf-8", "replace")
    lone, letters = text.count(LOST), sum(letter >= "\x80" for letter in text[:SAMPLE])
    is_cut = data[-3:].decode("utf-8", "replace")[-1:] == LOST
    proper = letters - lone
    return 0 if is_cut or proper < SURE_LETTERS or lone > min(MOST_LONE, proper // 10) else lone


def one_byte_encoding(data: bytes) -> tuple[str, tuple[Doubt, ...]]:
    """The most plausible encoding with a byte a character, and the doubt. Raises Unreadable for damaged UTF-8."""
    if _is_damaged_utf8(data):
        raise Unreadable("corrupt", "The text is UTF-8 with damaged or missing bytes.")
    sample = _with_letters(data)
    texts: dict[str, str] = {}
    scores: dict[str, float] = {}
    for encoding in ENCODINGS:
        if encoding not in USUAL and any(_is_russian(text, scores[known]) for known, text in texts.items()):
            break
        texts[encoding] = sample.decode(encoding, errors_of(encoding))
        scores[encoding] = _plausibility(texts[encoding]) + (PRIOR if encoding == "cp1251" else 0)
    best = max(scores, key=lambda encoding: scores[encoding])
    if _is_latin(texts[best]):
        return _latin(data, sample, best)
    rivals = [encoding for encoding in scores if texts[encoding] != texts[best]]
    second = max(rivals, key=lambda encoding: scores[encoding], default=None)
    lead = scores[best] - scores[second] - (PRIOR if best == "cp1251" else 0) if second else 0
    are_few = _letters_in(sample) < FEW
    if second is None or lead >= (2 * CLEAR if are_few else CLEAR):
        return best, ()
    opinion = _opinion(sample, tuple(texts))
    if opinion is not None and texts[opinion] != texts[best]:
        second = opinion
    elif opinion is not None and lead >= CLOSE and not are_few:
        return best, ()
    return best, (Doubt("encoding", best, second),)


def russian(data: bytes, among: tuple[str, ...]) -> str | None:
    """A short text, such as the name of a file, in that of some encodings in which its letters make the best Russian;
    None when there is a letter in each which no Russian text has."""
    scores: dict[str, float] = {}
    for encoding in among:
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if all(letter in WEIGHT for letter in text.lower() if letter >= "\x80"):
                scores[text] = _plausibility(text)
    return max(scores, key=lambda text: scores[text], default=None)


def _with_letters(data: bytes) -> bytes:
    """A part of the text with enough letters above ASCII, words whole; a word that is repeated counts twice.

    «МБОУ СОШ» in every row would outvote all other words, and its capitals look like words in another encoding.
    """
    counts: Counter[bytes] = Counter()
    words: list[bytes] = []
    for match in WORD.finditer(data):
        word = match[0]
        counts[word] += 1
        if counts[word] <= REPEATS:
            words.append(word)
            if len(words) >= LETTERS:
                break
    return b" ".join(words)[: 2 * LETTERS]


def _letters_in(data: bytes) -> int:
    return len(data.translate(None, ASCII))


def _plausibility(text: str) -> float:
    breaks = len(CASE_BREAK.findall(text)) + len(WORD_START.findall(text))
    capitals = sum(count for letter, count in Counter(text).items() if "А" <= letter <= "Я")
    text = text.lower()
    letters = sum(WEIGHT.get(letter, UNUSUAL) * count for letter, count in Counter(text).items() if letter >= "\x80")
    pairs = sum(count for pair, count in Counter(map(add, text, text[1:])).items() if pair in PAIRS)
    return letters + 2 * pairs - 4 * breaks - 0.5 * capitals


def _is_russian(text: str, score: float) -> bool:
    """Whether the letters make good Russian: all usual ones, no capital inside a word, common ones in common pairs."""
    letters = [letter for letter in text if letter >= "\x80"]
    return (
        score > len(letters)
        and not CASE_BREAK.search(text)
        and all(letter in WEIGHT for letter in set(text.lower()) if letter >= "\x80")
    )


def _is_latin(text: str) -> bool:
    """Whether the letters above ASCII stand inside Latin words, as é does in café, so that Cyrillic makes no sense."""
    return len(FOREIGN_WORD.findall(text)) > len(CYRILLIC_WORD.findall(text))


def _latin(data: bytes, sample: bytes, cyrillic: str) -> tuple[str, tuple[Doubt, ...]]:
    """Western European, unless signs would stand inside words by that."""
    encoding = "cp1252"
    if SIGN_IN_WORD.search(sample.decode(encoding, "replace")):
        encoding = _opinion(sample, LATIN) or encoding
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
    return encoding, (Doubt("encoding", encoding, cyrillic),)


def _opinion(sample: bytes, among: tuple[str, ...]) -> str | None:
    names = {encoding.replace("-", "_"): encoding for encoding in among}
    best = charset_normalizer.from_bytes(sample, cp_isolation=list(names)).best()
    return names.get(best.encoding) if best is not None else None


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
    high = _letters_in(data[:SAMPLE])
    proper = sum(map(len, UTF8_LETTER.findall(data[:SAMPLE])))
    return proper > 0.8 * high


def _checked(text: str) -> str:
    if "\x00" in text:
        raise Unreadable("corrupt", "The text contains zero characters.")
    if len(CONTROLS.findall(text[:SAMPLE])) > 0.01 * len(text[:SAMPLE]):
        raise Unreadable("unknown", "The file is not a table; it looks like binary data.")
    return text
