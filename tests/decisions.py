"""The index of `docs/decisions.md`: each subject with its decisions; `python tests/decisions.py` writes it anew."""

from __future__ import annotations

import re

from house import ROOT

PAGE = ROOT / "docs" / "decisions.md"
START, END = "<!-- index -->\n", "<!-- end of the index -->\n"
ENTRY = re.compile(r"### (.+)\n\n\d{4}-\d\d-\d\d\. \S")
"""A decision begins with its day."""


def anchor(heading: str) -> str:
    """What a link names after `#`, as GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def index(text: str) -> str:
    """A line a subject, its decisions linked."""
    lines = []
    for section in text.split("\n## ")[1:]:
        subject, _, body = section.partition("\n")
        titles = re.findall(r"^### (.+)$", body, re.MULTILINE)
        links = " · ".join(f"[{title}](#{anchor(title)})" for title in titles)
        lines.append(f"- **{subject}**: {links}\n")
    return "".join(lines)


def with_index(text: str) -> str:
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    return before + START + index(after) + END + after


if __name__ == "__main__":
    PAGE.write_text(with_index(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
