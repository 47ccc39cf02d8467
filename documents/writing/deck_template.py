"""The master of a deck: of a region's own file, or the one made here, widescreen with two layouts.

A region's `deck.pptx` gives its master, fonts, colours, logo and size of slides; slides of its own are left out. Its
first layout is that of the title; the first other one that has a title and no body is that of all other slides.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as Deck
from pptx.slide import SlideLayout
from pptx.util import Emu, Inches, Pt

WIDTH, HEIGHT = Inches(13.333), Inches(7.5)
FONT = "Arial"
ACCENTS = {"dk2": "1F3864", "accent1": "2F5597", "accent2": "C55A11", "accent3": "548235", "accent4": "BF9000",
           "accent5": "7F7F7F", "accent6": "8FAADC"}  # fmt: skip
"""Colours of the theme that charts and titles take."""
BODIES = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.SUBTITLE, PP_PLACEHOLDER.PICTURE,
          PP_PLACEHOLDER.CHART, PP_PLACEHOLDER.TABLE, PP_PLACEHOLDER.VERTICAL_BODY)  # fmt: skip
TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)
TITLE_PLACE = (Inches(0.5), Inches(0.25), WIDTH - Inches(1), Inches(0.75))
FOOTER_PLACE = (Inches(0.5), HEIGHT - Inches(0.42), WIDTH - Inches(1.9), Inches(0.3))
NUMBER_PLACE = (WIDTH - Inches(1.3), HEIGHT - Inches(0.42), Inches(0.8), Inches(0.3))


class UnfitTemplate(Exception):
    """A template that cannot be opened, or has no layout with a title: says which and why, in Russian."""


def open_template(path: Path | None) -> Deck:
    """A deck without slides on the master of a file, or on the shipped one. Raises UnfitTemplate."""
    if path is None:
        return _shipped()
    try:
        deck = Presentation(io.BytesIO(path.read_bytes()))
    except Exception as error:
        raise UnfitTemplate(f"{path}: это не презентация .pptx, которую можно открыть") from error
    for identifier in list(deck.slides._sldIdLst):
        deck.part.drop_rel(identifier.rId)
        deck.slides._sldIdLst.remove(identifier)
    if not deck.slide_layouts or not any(_kinds(layout) & set(TITLES) for layout in deck.slide_layouts):
        raise UnfitTemplate(f"{path}: нет ни одного макета с заголовком; нужен хотя бы один")
    return deck


def missing_in(path: Path) -> list[str]:
    """What a region's own master lacks for its slides, a sentence each, in Russian; nothing when it serves."""
    try:
        deck = open_template(path)
    except UnfitTemplate as error:
        return [str(error)]
    first, other = title_layout(deck), body_layout(deck)
    wrong = []
    if not _kinds(first) & set(TITLES):
        wrong.append(f"{path}: первый макет «{first.name}» — титул, а заголовка в нём нет: названия не будет")
    if other == first or _kinds(other) & set(BODIES):
        wrong.append(
            f"{path}: после первого нет макета с заголовком и без текста под ним, слайды лягут на макет «{other.name}»:"
            " на них останется пустая рамка"
        )
    if PP_PLACEHOLDER.FOOTER not in _kinds(other):
        wrong.append(
            f"{path}: в макете «{other.name}» нет нижнего колонтитула: на слайдах не будет, на какую дату цифры и когда"
            " они стали известны"
        )
    if PP_PLACEHOLDER.SLIDE_NUMBER not in _kinds(other):
        wrong.append(f"{path}: в макете «{other.name}» нет номера слайда")
    return wrong


def title_layout(deck: Deck) -> SlideLayout:
    """The layout of the first slide."""
    return deck.slide_layouts[0]


def body_layout(deck: Deck) -> SlideLayout:
    """The layout of all other slides."""
    titled = [layout for layout in deck.slide_layouts if _kinds(layout) & set(TITLES)]
    free = [layout for layout in titled[1:] if not _kinds(layout) & set(BODIES)]
    return (free or titled)[0]


def _kinds(layout: SlideLayout) -> set[object]:
    return {shape.placeholder_format.type for shape in layout.placeholders}


def _shipped() -> Deck:
    """The library's own master, made wide, plain and Russian."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = WIDTH, HEIGHT
    layouts = deck.slide_layouts
    keep = {"Title Slide": "Титул", "Title Only": "Заголовок"}
    for layout in list(layouts):
        if layout.name not in keep:
            layouts.remove(layout)
        else:
            layout.name = keep[layout.name]
    for holder in (deck.slide_master, *layouts):
        for shape in list(holder.placeholders):
            kind = shape.placeholder_format.type
            if kind == PP_PLACEHOLDER.DATE:
                shape._element.getparent().remove(shape._element)
            elif kind == PP_PLACEHOLDER.FOOTER:
                _place(shape, FOOTER_PLACE)
                _align_left(shape)
            elif kind == PP_PLACEHOLDER.SLIDE_NUMBER:
                _place(shape, NUMBER_PLACE)
            elif kind in TITLES and holder is not layouts[0]:
                _place(shape, TITLE_PLACE)
    title, subtitle = (shape for shape in layouts[0].placeholders if shape.placeholder_format.type not in (
        PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER))  # fmt: skip
    _place(title, (Inches(1), Inches(2), WIDTH - Inches(2), Inches(1.8)))
    _place(subtitle, (Inches(1), Inches(4.1), WIDTH - Inches(2), Inches(1.6)))
    _align_left(subtitle)
    _dress(deck)
    return deck


def _place(shape: Any, place: tuple[int, int, int, int]) -> None:
    shape.left, shape.top, shape.width, shape.height = map(Emu, place)


def _align_left(shape: Any) -> None:
    """What is written in a placeholder begins at its left."""
    for level in shape._element.iter(qn("a:lvl1pPr")):
        level.set("algn", "l")


def _dress(deck: Deck) -> None:
    """Fonts, sizes and colours of the master."""
    master = deck.slide_master
    styles = master._element.find(qn("p:txStyles"))
    for name, size, is_bold in (("p:titleStyle", 2400, "1"), ("p:bodyStyle", 1800, "0")):
        style = styles.find(qn(name))
        for properties in style.iter(qn("a:defRPr")):
            properties.set("sz", str(size))
            properties.set("b", is_bold)
    for paragraph in styles.find(qn("p:titleStyle")).iter(qn("a:lvl1pPr")):
        paragraph.set("algn", "l")
    for shape in master.placeholders:
        if shape.placeholder_format.type in TITLES:
            shape.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    for fill in styles.find(qn("p:titleStyle")).iter(qn("a:schemeClr")):
        fill.set("val", "tx2")
    part = next(rel.target_part for rel in master.part.rels.values() if rel.reltype.endswith("/theme"))
    theme = etree.fromstring(part.blob)
    for name, colour in ACCENTS.items():
        for found in theme.iter(qn(f"a:{name}")):
            found[:] = [etree.SubElement(found, qn("a:srgbClr"), val=colour)]
    for found in theme.iter(qn("a:latin")):
        if found.getparent().tag in (qn("a:majorFont"), qn("a:minorFont")):
            found.set("typeface", FONT)
    part._blob = etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)
    for layout, left, top in ((0, Inches(1), Inches(3.9)), (1, Inches(0.5), Inches(1.02))):
        deck.slide_layouts[layout].shapes.element.append(_bar(left, top))


def _bar(left: int, top: int) -> etree._Element:
    """A thin bar across a slide, as far from the right as from the left, as a shape of a layout."""
    xml = f"""<p:sp xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"
      xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">
      <p:nvSpPr><p:cNvPr id="90" name="Черта"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr>
      <p:spPr><a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{WIDTH - 2 * left}" cy="{Pt(2)}"/></a:xfrm>
      <a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:solidFill><a:schemeClr val="accent1"/></a:solidFill>
      <a:ln><a:noFill/></a:ln></p:spPr>
      <p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:endParaRPr lang="ru-RU"/></a:p></p:txBody></p:sp>"""
    return etree.fromstring(xml)
