"""The moment of an address in its pages, between marks: a page that is taken over from another says its own."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from flows.home.shown import local_time

MARKED = re.compile(rb"<!--(moment_local|moment_utc)-->.*?<!--/\1-->", re.DOTALL)


def marked(text: str, known_at: dt.datetime, zone: ZoneInfo) -> Markup:
    """A text in which the moment is found again, in words or as a query has it."""
    for kind, words in _words(known_at, zone).items():
        text = text.replace(words, f"\0{kind}\0{words}\0/{kind}\0")
    return Markup(re.sub("\0(.*?)\0", r"<!--\1-->", str(escape(text))))


def with_moment(page: bytes, known_at: dt.datetime, zone: ZoneInfo) -> bytes:
    """A page with another moment in place of its own."""
    words = _words(known_at, zone)

    def now(found: re.Match[bytes]) -> bytes:
        kind = found[1].decode()
        return f"<!--{kind}-->{words[kind]}<!--/{kind}-->".encode()

    return MARKED.sub(now, page)


def _words(known_at: dt.datetime, zone: ZoneInfo) -> dict[str, str]:
    return {"moment_local": local_time(known_at, zone), "moment_utc": known_at.astimezone(dt.UTC).isoformat()}
