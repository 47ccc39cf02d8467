"""The sender's own workbook with bad cells marked and our sheet first; everything else stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from contracts.grid import Place
from contracts.receipt import SHEET
from documents.receipts.comments import put_comments
from documents.receipts.marks import Mark, MarkedSheet
from documents.receipts.markup import Element, Markup, Unusual, escaped
from documents.receipts.package import MAIN, RELATIONSHIPS, Package
from documents.receipts.styles import Styles

SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
TAKEN_OFF = ("vbaProject", "xlMacrosheet", "xlIntlMacrosheet", "attachedToolbars")
"""What hangs on a workbook and has no place in an xlsx: macros."""
SIGNATURES = "_xmlsignatures/"
SELECTED = re.compile(rb"""(<(?:\w+:)?sheetView\s[^>]*?)\stabSelected\s*=\s*["'](?:1|true)["']""")
VIEWS_WITHIN = 1 << 16
"""Bytes from the start of a sheet in which its views stand, before the cells."""
BEFORE_NAMES = ("sheets", "functionGroups", "externalReferences")
SAVED_BY_OTHERS = re.compile(rb"<Application>LibreOffice", re.IGNORECASE)
"""A program that does not keep the second colour of a solid fill."""
DrawSheet = Callable[[Styles], bytes]


@dataclass(frozen=True)
class OldSheet:
    """A sheet as the workbook lists it."""

    element: Element
    name: str
    relation: str
    part: str
    kind: str


def with_receipt(
    package: Package, draw: DrawSheet, marks: Mapping[str, Mapping[Place, Mark]], old_receipts: Collection[str] = ()
) -> bytes:
    """The workbook with marks at cells (sheet → place → mark) and the drawn sheet first.

    Sheets of `old_receipts` and marks of an earlier receipt are removed. Raises Unusual for a workbook whose parts are
    not as programs write them.
    """
    workbook = package.related("", "officeDocument")
    if workbook is None or MAIN.encode() not in package.read(workbook):
        raise Unusual("a workbook of another standard")
    sheets = _sheets_of(package, workbook)
    left_out = [sheet for sheet in sheets if sheet.name in old_receipts or sheet.kind in TAKEN_OFF]
    kept = [sheet for sheet in sheets if sheet not in left_out]
    styles = Styles(package, workbook)
    app = package.parts.get("docProps/app.xml", b"")
    styles.unmark(keeps_unseen=not SAVED_BY_OTHERS.search(app))
    for sheet in kept:
        _mark_sheet(package, sheet, marks.get(sheet.name, {}), styles)
    part = package.add("xl/worksheets/receipt", ".xml", draw(styles), SHEET_TYPE)
    styles.save()
    relation = package.relate(workbook, "worksheet", part)
    package.write(workbook, _with_our_sheet(package.read(workbook), sheets, left_out, relation))
    package.unrelate(workbook, *(sheet.relation for sheet in left_out))
    for sheet in left_out:
        package.drop(sheet.part)
    _take_macros_off(package, workbook)
    return package.save()


def _sheets_of(package: Package, workbook: str) -> list[OldSheet]:
    """The sheets of a workbook in its order. Raises Unusual for one without a part."""
    related = {relation.id: relation for relation in package.relations(workbook)}
    sheets = []
    for element in Markup(package.read(workbook), wanted=("sheet",)).named("sheet", 3):
        id_ = next((value for name, value in element.attributes.items() if name.rpartition(":")[2] == "id"), "")
        if id_ not in related:
            raise Unusual("a sheet without a part")
        relation = related[id_]
        sheets.append(OldSheet(element, element.attributes.get("name", ""), id_, relation.target, relation.kind))
    return sheets


def _mark_sheet(package: Package, sheet: OldSheet, marks: Mapping[Place, Mark], styles: Styles) -> None:
    """Mark the cells of one sheet, and take it out of the group of selected sheets: ours is in front."""
    data = package.read(sheet.part)
    places: Mapping[Place, Mark] = {}
    if marks and sheet.kind == "worksheet":
        page = MarkedSheet(data)
        places = page.covering(marks)
        page.colour(places, styles)
        data = page.markup.changed()
    package.write(sheet.part, SELECTED.sub(rb"\1", data[:VIEWS_WITHIN], count=4) + data[VIEWS_WITHIN:])
    put_comments(package, sheet.part, places)


def _with_our_sheet(data: bytes, sheets: list[OldSheet], left_out: list[OldSheet], relation: str) -> bytes:
    """The workbook part with our sheet first; names that belong to a sheet by its number follow it."""
    markup = Markup(data, wanted=("sheet", "workbookView", "definedName"))
    p = markup.prefix
    section = markup.first("sheets")
    if section is None:
        raise Unusual("a workbook without sheets")
    elements = markup.named("sheet", 3)
    gone = {sheets.index(sheet) for sheet in left_out}
    names = {sheet.name.lower() for sheet in sheets if sheet not in left_out}
    name, number = SHEET, 2
    while name.lower() in names:
        name, number = f"{SHEET} ({number})", number + 1
    taken = [int(text) for e in elements if (text := e.attributes.get("sheetId", "")).isdigit()]
    tag = (
        f'<{p}sheet xmlns:receipt="{RELATIONSHIPS}" name="{escaped(name)}" sheetId="{max(taken, default=0) + 1}"'
        f' receipt:id="{relation}"/>'
    )
    if section.is_empty_tag:
        markup.append(section, tag.encode())
    else:
        markup.insert(section.inner, tag.encode())
    for index in gone:
        markup.replace(elements[index], b"")
    moved = {old: new for new, old in enumerate((n for n in range(len(sheets)) if n not in gone), start=1)}
    for view in markup.named("workbookView", 3):
        markup.set(view, activeTab=0, firstSheet=0)
    for defined in markup.named("definedName", 3):
        local = defined.attributes.get("localSheetId", "")
        if local.isdigit() and int(local) in gone:
            markup.replace(defined, b"")
        elif local.isdigit() and int(local) in moved:
            markup.set(defined, localSheetId=moved[int(local)])
    titles = f'<{p}definedName name="_xlnm.Print_Titles" localSheetId="0">\'{escaped(name)}\'!$1:$1</{p}definedName>'
    own = markup.first("definedNames")
    if own is not None:
        markup.append(own, titles.encode())
    else:
        last = [e for e in markup.elements if e.depth == 2 and e.name in BEFORE_NAMES][-1]
        markup.insert(last.end, f"<{p}definedNames>{titles}</{p}definedNames>".encode())
    return markup.changed()


def _take_macros_off(package: Package, workbook: str) -> None:
    """Remove macros and signatures: neither is valid in what we made."""
    for relation in package.relations(workbook):
        if relation.kind in TAKEN_OFF:
            package.unrelate(workbook, relation.id)
            package.drop(relation.target)
    for relation in package.relations(""):
        if relation.target.startswith(SIGNATURES):
            package.unrelate("", relation.id)
    for name in [name for name in package.parts if name.startswith(SIGNATURES)]:
        package.drop(name)
    package.retype(workbook, WORKBOOK_TYPE)
