"""Comments of a worksheet: ours are put beside the sender's, and taken off when the workbook comes back."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from contracts.grid import Place, cell_address
from contracts.receipt import AUTHOR
from contracts.texts import phrases
from documents.receipts.marks import ADDRESS, Mark, place
from documents.receipts.markup import Markup, escaped
from documents.receipts.package import MAIN, RELATIONSHIPS, Package

COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
TEXT = re.compile(rb"<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)</(?:\w+:)?t>")
SIGNED = re.compile(r"\(profmin: [A-Z]{2,3}-\d{3}(?:, [A-Z]{2,3}-\d{3})*\)")
SHAPE = re.compile(rb"<(\w+):shape[\s>]")
SHAPE_PLACE = re.compile(rb"<\w+:(Row|Column)>\s*(\d+)\s*</")
NEW_COMMENTS = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<comments xmlns="{MAIN}">'
    "<authors></authors><commentList></commentList></comments>"
)
VML = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
    ' xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
NEW_DRAWING = (
    f'<xml {VML}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/>'
    '</o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202"'
    ' path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype></xml>'
)
SHAPE_OF_NOTE = (
    '<v:shape{names} id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:59.25pt;'
    'margin-top:1.5pt;width:{width}pt;height:{height}pt;z-index:1;visibility:hidden" fillcolor="#ffffe1"'
    ' o:insetmode="auto">'
    '<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
    '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:AutoFill>False</x:AutoFill>'
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
AFTER_DRAWING = (
    "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst",
    "AlternateContent",
)  # fmt: skip
FIRST_SHAPE = 7000
WIDTH, LETTERS_A_LINE, LINE = 290, 52, 12.5


def put_comments(package: Package, sheet: str, marks: Mapping[Place, Mark]) -> None:
    """Take our comments off a worksheet part and put new ones on; the sender's own text stays below ours."""
    part = package.related(sheet, "comments")
    if part is None and not marks:
        return
    if part is None:
        part = package.add("xl/receiptComments", ".xml", NEW_COMMENTS.encode(), COMMENTS_TYPE)
        package.relate(sheet, "comments", part)
    elif not marks and AUTHOR.encode() not in package.read(part):
        return
    markup = Markup(package.read(part), wanted=("author", "comment"))
    authors, listed = markup.first("authors"), markup.first("commentList")
    if authors is None or listed is None:
        return
    names = [html.unescape(markup.data[tag.inner : tag.close].decode()) for tag in markup.named("author", 3)]
    new = {cell_address(*address): mark.text for address, mark in marks.items()}
    gone: set[str] = set()
    for comment in markup.named("comment", 3):
        address, number = comment.attributes.get("ref", ""), comment.attributes.get("authorId", "")
        author = names[int(number)] if number.isdigit() and int(number) < len(names) else ""
        if author.startswith("tc="):  # the shadow of a conversation, which is kept elsewhere
            new.pop(address, None)
            continue
        text = "".join(html.unescape(run.decode()) for run in TEXT.findall(markup.text(comment)))
        senders = _senders_text(text, author)
        if senders == text and address not in new:
            continue
        markup.replace(comment, b"")
        gone.add(address)
        if senders:
            our_text = new.get(address)
            new[address] = f"{our_text}\n\n{phrases()['receipt.comment.senders']}\n{senders}" if our_text else senders
    p = markup.prefix
    author_id = names.index(AUTHOR) if AUTHOR in names else len(names)
    if author_id == len(names):
        markup.append(authors, f"<{p}author>{AUTHOR}</{p}author>".encode())
    comment_tags = "".join(
        f'<{p}comment ref="{address}" authorId="{author_id}"><{p}text><{p}r><{p}rPr><{p}sz val="9"/>'
        f'<{p}rFont val="Tahoma"/><{p}family val="2"/></{p}rPr><{p}t xml:space="preserve">{escaped(text)}</{p}t></{p}r>'
        f"</{p}text></{p}comment>"
        for address, text in new.items()
    )
    markup.append(listed, comment_tags.encode())
    package.write(part, markup.changed())
    _draw_notes(package, sheet, gone, new)


def _senders_text(text: str, author: str) -> str:
    """What a comment says without what we said in it; all of it when we said nothing."""
    signed = SIGNED.search(text)
    if signed is None:
        return "" if author == AUTHOR and not text.strip() else text
    return text[signed.end() :].strip().removeprefix(phrases()["receipt.comment.senders"]).strip()


def _draw_notes(package: Package, sheet: str, gone: set[str], new: Mapping[str, str]) -> None:
    """The boxes in which comments are shown: removed with theirs, and made for the new ones."""
    drawing = _drawing_of(package, sheet)
    removed = {place(match[1], match[2]) for where in gone if (match := ADDRESS.fullmatch(where))}

    data = _without_notes(package.read(drawing), removed)
    names = "" if b"xmlns:v=" in data and b"xmlns:x=" in data and b"xmlns:o=" in data else f" {VML}"
    shapes = []
    for number, (where, text) in enumerate(new.items(), start=FIRST_SHAPE):
        match = ADDRESS.fullmatch(where)
        if match is None:
            continue
        row, column = place(match[1], match[2])
        lines = sum(1 + len(paragraph) // LETTERS_A_LINE for paragraph in text.split("\n"))
        height = min(round(lines * LINE + 10), 420)
        shapes.append(
            SHAPE_OF_NOTE.format(names=names, number=number, width=WIDTH, height=height, row=row, column=column)
        )
    end = data.rfind(b"</xml>")
    end = len(data) if end < 0 else end
    package.write(drawing, data[:end] + "".join(shapes).encode() + data[end:])


def _without_notes(data: bytes, places: set[Place]) -> bytes:
    """A drawing without the boxes of comments at some places."""
    pieces, position = [], 0
    while places and (opening := SHAPE.search(data, position)):
        start, closing = opening.start(), b"</" + opening[1] + b":shape>"
        end = data.find(closing, start)
        if end < 0:
            break
        end += len(closing)
        at = {name: int(number) for name, number in SHAPE_PLACE.findall(data[start:end])}
        is_gone = (at.get(b"Row"), at.get(b"Column")) in places
        pieces += [data[position:start], b"" if is_gone else data[start:end]]
        position = end
    return b"".join([*pieces, data[position:]])


def _drawing_of(package: Package, sheet: str) -> str:
    """The part with the boxes of a worksheet's comments, made and related when there is none."""
    markup = Markup(package.read(sheet))
    own = markup.first("legacyDrawing")
    if own is not None:
        id_ = next((value for name, value in own.attributes.items() if name.rpartition(":")[2] == "id"), "")
        return next(relation.target for relation in package.relations(sheet) if relation.id == id_)
    part = package.add("xl/drawings/receiptNotes", ".vml", NEW_DRAWING.encode(), DRAWING_TYPE)
    id_ = package.relate(sheet, "vmlDrawing", part)
    p = markup.prefix
    tag = f'<{p}legacyDrawing xmlns:receipt="{RELATIONSHIPS}" receipt:id="{id_}"/>'
    after = markup.first(*AFTER_DRAWING)
    markup.insert(after.start if after else markup.root.close, tag.encode())
    package.write(sheet, markup.changed())
    return part
