"""The words of the headings of our forms, told apart from all other texts: those of rows of data are looked at once."""

from __future__ import annotations

from contracts.forms import forms_in
from contracts.regions import kept, kept_lately, regions
from transforms.cells.key import STEM, heading_key, heading_parts, ignored_headings, stem_of
from transforms.headings.hint import bare_keys

NOTHING: frozenset[str] = frozenset()


@kept
def all_parts() -> frozenset[str]:
    """Keys of the headings of every form and of their parts, in whatever region, and of those that people add."""
    forms = (form for region in regions() for form in forms_in(region.code))
    return frozenset().union(ignored_headings(), *(heading_parts(form) for form in forms))


@kept_lately(100_000)
def known_keys(text: str) -> frozenset[str]:
    """Those keys of a text, with its hint and years and without them, that are words of some form."""
    if not may_be_known(text):
        return NOTHING
    return all_parts().intersection((heading_key(text), *bare_keys(text)))


def may_be_known(text: str) -> bool:
    """False for most texts that have no such key: it would not begin as any does. To make keys costs more than that."""
    if "20" in text or (stem := stem_of(text)) is None:  # a year at the beginning of a text is no part of its key
        return True
    return stem in _stems() or stem[:2] in all_parts()


@kept
def _stems() -> frozenset[str]:
    """The beginnings of all words: their first letters, or their first figure."""
    return frozenset(word[:1] if word[:1].isdecimal() else word[:STEM] for word in all_parts())
