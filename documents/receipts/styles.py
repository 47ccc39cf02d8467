"""The looks of cells: those of our own sheet, and the colours that mark bad cells and can be taken off again.

A marked cell keeps its style but for the fill. The colour that it had stands where a solid fill has a second colour
that nobody sees, so that the mark can be taken off a workbook that comes back, wherever its rows went meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from documents.receipts.markup import Element, Markup, Unusual, escaped, with_attributes
from documents.receipts.package import Package

MARKS = {"refuse": "FFFFC7C3", "error": "FFFFC7C3", "warning": "FFFFEB9F"}
"""Severity → the colour of a marked cell; one a person would hardly choose. A note changes no colour."""
NO_FILL = '<{p}fill><{p}patternFill patternType="none"/></{p}fill>'
SOLID = (
    '<{p}fill><{p}patternFill patternType="solid"><{p}fgColor {fore}/><{p}bgColor {back}/></{p}patternFill></{p}fill>'
)
UNSEEN = 'indexed="64"'
COLOUR = ("rgb", "theme", "tint", "indexed")
BORDER = "<{p}border><{p}left/><{p}right/><{p}top/><{p}bottom{bottom}</{p}border>"


@dataclass(frozen=True)
class Look:
    """How a cell of our sheet looks: size in points, colours as RRGGBB, alignment as a workbook names it."""

    size: float = 10
    bold: bool = False
    italic: bool = False
    colour: str = "000000"
    fill: str | None = None
    underline: bool = False
    line: str | None = None
    across: str = "left"
    down: str = "top"
    number: int = 0
    indent: int = 0


class Styles:
    """The styles part of a workbook; its changes are written with `save`. Raises Unusual for a part without the usual
    sections."""

    def __init__(self, package: Package, workbook: str) -> None:
        part = package.related(workbook, "styles")
        if part is None:
            raise Unusual("a workbook without styles")
        self.package, self.part = package, part
        self.markup = Markup(package.read(part), wanted=("patternFill", "fgColor", "bgColor"), depth=3)
        self.p = self.markup.prefix
        self.sections = {name: self._section(name) for name in ("fonts", "fills", "borders", "cellXfs")}
        self.counts = {name: len(self._children(name)) for name in self.sections}
        self.added: dict[str, list[str]] = {name: [] for name in self.sections}
        self.formats = self._children("cellXfs")
        self.fills = [self._colour(fill) for fill in self._children("fills")]
        self.looks: dict[object, int] = {}

    def unmark(self, keeps_unseen: bool) -> None:
        """Give back their own fills to cells that we marked; `keeps_unseen` says that the program which saved the
        workbook keeps the second colour of a solid fill."""
        for number, fill in enumerate(self._children("fills")):
            fore, back = self.fills[number]
            if (fore or "").upper() in {f'RGB="{mark}"' for mark in MARKS.values()}:
                own = back if keeps_unseen and back and back != UNSEEN else None
                text = SOLID.format(p=self.p, fore=own, back=UNSEEN) if own else NO_FILL.format(p=self.p)
                self.markup.replace(fill, text.encode())
                self.fills[number] = (own, UNSEEN)

    def marked(self, style: int, severity: str) -> int:
        """The style of a marked cell that had a style."""
        style = style if style < len(self.formats) else 0
        key = (style, MARKS[severity])
        if key not in self.looks:
            own = self.formats[style]
            fill = own.attributes.get("fillId", "0")
            number = int(fill) if fill.isdigit() else 0
            back = (self.fills[number][0] if number < len(self.fills) else None) or UNSEEN
            made = self._add("fills", SOLID.format(p=self.p, fore=f'rgb="{MARKS[severity]}"', back=back))
            tag = with_attributes(self.markup.tag(own), fillId=made, applyFill=1)
            whole = tag + self.markup.data[own.inner : own.end]
            self.looks[key] = self._add("cellXfs", whole.decode())
        return self.looks[key]

    def look(self, look: Look) -> int:
        """The style of a cell of our sheet. Its text is never taken for a formula, even when somebody edits it."""
        if look not in self.looks:
            p = self.p
            flags = "".join(
                f"<{p}{tag}/>" for tag, on in (("b", look.bold), ("i", look.italic), ("u", look.underline)) if on
            )
            font = self._add(
                "fonts",
                f'<{p}font>{flags}<{p}sz val="{look.size:g}"/><{p}color rgb="FF{look.colour}"/>'
                f'<{p}name val="Arial"/><{p}family val="2"/></{p}font>',
            )
            fill = 0
            if look.fill:
                fill = self._add("fills", SOLID.format(p=p, fore=f'rgb="FF{look.fill}"', back=UNSEEN))
            line = f' style="thin"><{p}color rgb="FF{look.line}"/></{p}bottom>' if look.line else "/>"
            border = self._add("borders", BORDER.format(p=p, bottom=line))
            self.looks[look] = self._add(
                "cellXfs",
                f'<{p}xf numFmtId="{look.number}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0"'
                f' quotePrefix="{int(look.number == 0)}" applyNumberFormat="1" applyFont="1" applyFill="1"'
                f' applyBorder="1" applyAlignment="1"><{p}alignment horizontal="{look.across}" vertical="{look.down}"'
                f' indent="{look.indent}" wrapText="1"/></{p}xf>',
            )
        return self.looks[look]

    def save(self) -> None:
        """Write what was added into the part."""
        for name, texts in self.added.items():
            if texts:
                count = self.counts[name] + len(texts)
                self.markup.append(self.sections[name], "".join(texts).encode(), count=count)
        self.package.write(self.part, self.markup.changed())

    def _section(self, name: str) -> Element:
        section = self.markup.first(name)
        if section is None or section.is_empty_tag:
            raise Unusual("styles without a usual section")
        return section

    def _children(self, section: str) -> list[Element]:
        outer = self.sections[section]
        return [e for e in self.markup.elements if e.depth == 3 and outer.inner <= e.start < outer.close]

    def _colour(self, fill: Element) -> tuple[str | None, str | None]:
        """The first and second colour of a solid fill, as their attributes are written."""
        inner = [element for element in self.markup.elements if fill.inner <= element.start < fill.close]
        if not any(
            element.name == "patternFill" and element.attributes.get("patternType") == "solid" for element in inner
        ):
            return None, None
        fore, back = (
            next((element for element in inner if element.name == name), None) for name in ("fgColor", "bgColor")
        )
        return _attributes(fore), _attributes(back)

    def _add(self, section: str, text: str) -> int:
        texts = self.added[section]
        if section != "cellXfs" and text in texts:
            return self.counts[section] + texts.index(text)
        texts.append(text)
        return self.counts[section] + len(texts) - 1


def _attributes(colour: Element | None) -> str | None:
    if colour is None:
        return None
    attributes = [f'{name}="{escaped(colour.attributes[name])}"' for name in COLOUR if name in colour.attributes]
    return " ".join(attributes) or None
