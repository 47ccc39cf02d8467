"""Keys of human text: the same heading or name written in different ways gives the same key."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from contracts.form import Form
from contracts.regions import kept, regions
from contracts.vocabulary import form_rows, rows, rows_in

LATIN, THEIR_LIKES = "ABCEHKMOPTXYaceopxyk", "АВСЕНКМОРТХУасеорхук"
LOOK_ALIKES = str.maketrans(LATIN, THEIR_LIKES)
LIKE_CYRILLIC = re.compile(f"[{LATIN}]")
QUOTES_AND_MARKS = re.compile("[«»\"“”„‟'`’‘*\u00ad\u200b\ufeff\u0300-\u036f]")
DASH = re.compile("[-‐‑‒–—―−]")
SPACED_DASH = re.compile(f" ?{DASH.pattern} ?")
CYRILLIC = re.compile("[А-Яа-яЁё]")
NOT_LETTERS = re.compile(r"[^\w%]+|_+")
FOOTNOTE = re.compile(r"[¹²³⁰⁴⁵⁶⁷⁸⁹]+\)?|(?:\[\d{1,2}\]|<\d{1,2}>)$")
MAY_BE_FOOTNOTE = re.compile(r"[)\]>¹²³⁰⁴⁵⁶⁷⁸⁹]")
NUMBER_SIGN = re.compile(r"\b[Nn]o?\b\.?(?=\s*[А-Яа-яЁё])")
"""What stands for «№» where a code page has none."""
STEM = 3
BEGINNING = re.compile(rf"\s*(?:([А-Яа-яЁё]{{{STEM}}})(?![\u0300-\u036f])|([0-9]))")
"""How a text begins of which the key begins likewise, whatever follows: with some letters, or with a figure."""
OPEN_FOOTNOTE = re.compile(r"\d{1,2}\)$")
"""A footnote mark whose bracket was never opened: «План 1)»; «Классы (6–11)» has none."""


@lru_cache(maxsize=200_000)
def key(text: str) -> str:
    """Key of a heading, a name or a word.

    Letter case, «ё», quotes, dashes, spaces (also no-break and thin ones) and Latin letters that look like Cyrillic
    ones do not matter. Form is normalised, never a value.
    """
    text = unicodedata.normalize("NFKC", text)
    if LIKE_CYRILLIC.search(text) and CYRILLIC.search(text):
        text = text.translate(LOOK_ALIKES)
    text = " ".join(QUOTES_AND_MARKS.sub("", text.lower().replace("ё", "е")).split())
    if DASH.search(text):
        text = SPACED_DASH.sub("-", text)
    return text.strip(" .,:;")


def stem_of(text: str) -> str | None:
    """How the key of a text begins: its first letters or its first figure; None where only the key itself tells."""
    begins = BEGINNING.match(text)
    if begins is None:
        return None
    return begins[2] or begins[1].lower().replace("ё", "е")


@lru_cache(maxsize=200_000)
def heading_key(text: str) -> str:
    """Key of a heading: as `key`, and spaces, hyphens, brackets and footnote marks do not matter either.

    So words torn by a narrow column («выполнени я», «образова-\nтельная») and units in brackets are the same heading.
    """
    if MAY_BE_FOOTNOTE.search(text):
        text = FOOTNOTE.sub("", text.strip())
        if text.count(")") > text.count("("):
            text = OPEN_FOOTNOTE.sub("", text)
    return NOT_LETTERS.sub("", key(NUMBER_SIGN.sub("№", text)))


@kept
def wordings(form: Form) -> tuple[tuple[str, str], ...]:
    """Column and wording, over all editions: of the contract, and those that a person approved later, for all regions
    or for that in whose words the form is read."""
    found = [
        (column.name, wording)
        for edition in form.editions
        for column in edition.columns
        for wording in (column.title, *column.headings)
    ]
    found += [(row["column"], row["heading"]) for row in form_rows(form.name, "headings")]
    own = rows_in("headings", form.region) if form.region else ()
    found += [(row["column"], row["heading"]) for row in own if row["form"] == form.name]
    return tuple(dict.fromkeys(found))


@kept
def headings(form: Form) -> dict[str, frozenset[str]]:
    """Key of a heading → the columns of the form (over all editions) that are called so, also with their unit."""
    units = {column.name: column.unit for edition in form.editions for column in edition.columns}
    found: dict[str, set[str]] = {}
    for column, wording in wordings(form):
        plain = heading_key(wording)
        for unit in ("", *(row["word"] for row in rows("heading_units") if row["unit"] == units[column])):
            found.setdefault(plain + heading_key(unit), set()).add(column)
    return {heading: frozenset(columns) for heading, columns in found.items()}


@kept
def heading_parts(form: Form) -> frozenset[str]:
    """Keys of the parts of two-row headings («Часы в год: всего» is «Часы в год» over «всего») and of whole ones."""
    parts = {heading_key(part) for _, wording in wordings(form) for part in wording.split(":")}
    return frozenset(parts | headings(form).keys() | joint_headings(form).keys())


@kept
def joint_headings(form: Form) -> dict[str, tuple[str, str]]:
    """Key of a heading of the form → the columns of a number and of a date that stand together under it."""
    return {heading_key(row["heading"]): (row["number"], row["date"]) for row in form_rows(form.name, "joint_headings")}


@kept
def heading_starts(form: Form) -> frozenset[str]:
    """How the keys of the form's headings begin, of any length: the first row of one whose words are torn apart."""
    return frozenset(heading[:length] for heading in headings(form) for length in range(1, len(heading) + 1))


@kept
def telling_wordings(form: Form) -> tuple[frozenset[str], ...]:
    """For each column by which a form is recognised, the keys of its wordings and of their parts, also of one under
    which it stands together with another, and of the day that says its month."""
    known, joint = headings(form), joint_headings(form)
    days = {column.name: column.day for edition in form.editions for column in edition.columns if column.day}
    told = ({name, days.get(name, name)} for name in form.recognised_by)
    return tuple(
        frozenset(
            heading_key(part) for column, wording in wordings(form) if column in names for part in wording.split(":")
        )
        | frozenset(heading for heading, columns in known.items() if not names.isdisjoint(columns))
        | frozenset(heading for heading, columns in joint.items() if not names.isdisjoint(columns))
        for names in told
    )


@cache
def ignored_headings() -> frozenset[str]:
    """Keys of headings that people add everywhere and nobody misses, such as «№ п/п»."""
    return frozenset(heading_key(row["heading"]) for row in rows("ignored_headings"))


@kept
def unit_aliases(region: str | None) -> dict[str, str]:
    """Key of a known way to write a reporting unit of a region → its name in the warehouse.

    Without a region those of all, less what names units of several: names recur between regions.
    """
    found: dict[str, str] = {}
    unclear = set()
    for code in (region,) if region is not None else tuple(each.code for each in regions()):
        own = {key(row["alias"]): row["reporting_unit"] for row in rows_in("reporting_unit_aliases", code)}
        own |= {key(row["name"]): row["reporting_unit"] for row in rows_in("reporting_units", code)}
        unclear |= found.keys() & own.keys()
        found |= own
    return {name: unit for name, unit in found.items() if name not in unclear}


@cache
def row_marks() -> tuple[tuple[str, str], ...]:
    """How a row that is not data begins, and what it then is: total or note."""
    return tuple((row["start"], row["outcome"]) for row in rows("row_marks"))


@cache
def mark_starts() -> tuple[str, ...]:
    """How a row begins that is not data, for `str.startswith`."""
    return tuple(start for start, _ in row_marks())


@cache
def mark_stems() -> tuple[str, ...]:
    """Their first letters, or their first figure, as `stem_of` tells those of a text."""
    return tuple({start[: 1 if start[:1].isdecimal() else STEM] for start in mark_starts()})
