"""Whom to call at a sender's: posts, never persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from contracts.regions.route import EMAIL

FEWEST_FIGURES = 5


def contact_faults(path: Path, lines: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[str]:
    """What is wrong with the table of a pack, a sentence each in Russian."""
    for number, line in lines:
        phone, email = line["phone"].strip(), line["email"].strip()
        if not phone and not email:
            yield f"{path}, строка {number}: ни телефона, ни почты; ожидается хотя бы одно из них"
        if phone and sum(letter.isdecimal() for letter in phone) < FEWEST_FIGURES:
            yield f"{path}, строка {number}: phone «{phone}»; ожидается телефон с кодом, например +7 (3822) 00-00-00"
        if email and not EMAIL.fullmatch(email):
            yield f"{path}, строка {number}: email «{email}»; ожидается один адрес почты"


def in_words(line: Mapping[str, str]) -> str:
    """«методист, +7 (000) 000-00-00, m@example.invalid»."""
    return ", ".join(text for name in ("post", "phone", "email") if (text := line[name].strip()))
