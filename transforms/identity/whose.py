"""Who sent a delivery: the way it came proves it, what it says itself may only agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from contracts.form import Form
from contracts.grid import Sheet
from contracts.reading import Finding
from contracts.rules import CONTRADICTION, FOLDER_UNOWNED, SENDER_UNKNOWN, SENDER_WRONG
from contracts.vocabulary import owners, rows, unit_names
from transforms.cells.cell import cell_text
from transforms.findings.finding import finding
from transforms.headings.header import Heading
from transforms.tables.origin import only_sender, sender_in, sender_in_name
from transforms.tables.resolve import Register

if TYPE_CHECKING:
    from transforms.identity.identify import Context, Delivery


def owner(delivery: Delivery, context: Context) -> str | None:
    """Whom a delivery comes from, whatever it says itself: a photo in a sender's own folder is that sender's."""
    return delivery.folder if delivery.folder in context.senders else context.sender


def sender_of(
    delivery: Delivery,
    form: Form,
    titles: list[list[str]],
    context: Context,
    headings: Sequence[tuple[Sheet, Heading]],
) -> tuple[str | None, list[Finding]]:
    """The sender; when nothing says it, the one unit whose schools the rows name.

    What is refused because the file names somebody else is whose it came from: the answer never goes to the other one.
    """
    outside, came_from = _claimed_outside(delivery, context), owner(delivery, context)
    if delivery.unowned is not None:
        return None, []
    only = only_sender(form)
    if only is None and form.sender_kind != "reporting_unit":
        return None, [finding(SENDER_UNKNOWN)]
    if only is not None:
        stated = [(place, who) for place, who in outside if who != only]
        if stated:
            return came_from, [finding(SENDER_WRONG, value=called(stated[0][1]), expected=called(only))]
        return only, []
    aliases = context.aliases_in(delivery.region)
    stated = [
        (place, who)
        for place, who in (
            ("в таблице", sender_in(titles, aliases)),
            ("в имени файла", sender_in_name(delivery.file, aliases, frozenset(aliases.values()))),
            *outside,
        )
        if who is not None
    ]
    if any(who not in context.units for _, who in stated):
        wrong = next(who for _, who in stated if who not in context.units)
        return came_from, [finding(SENDER_WRONG, value=called(wrong), expected="муниципальное управление образования")]
    if len({who for _, who in stated}) > 1:
        return came_from, [contradiction("Отправитель указан", [(place, called(who)) for place, who in stated])]
    if stated:
        return stated[0][1], []
    named = _schools_named(headings, context.schools)
    return (named.pop(), []) if len(named) == 1 else (None, [finding(SENDER_UNKNOWN)])


def nobodys_folder(delivery: Delivery) -> list[Finding]:
    """That nothing proves who sent the file: neither its name nor its content can."""
    if delivery.unowned is None:
        return []
    shown = delivery.unowned or "файл лежит вне папок"
    return [finding(FOLDER_UNOWNED, value=shown, expected=f"одна из папок: {', '.join(sorted(owners('inbox')))}")]


def _claimed_outside(delivery: Delivery, context: Context) -> list[tuple[str, str]]:
    claims = (("в папке", delivery.folder), ("в параметре --sender", context.sender))
    return [(place, who) for place, who in claims if who is not None and who in context.senders]


def contradiction(what: str, stated: Sequence[tuple[str, str]]) -> Finding:
    """The finding that a file says something in several ways; `stated` are places and what is said there."""
    shown = ", ".join(f"{place} — {value}" for place, value in stated)
    return finding(CONTRADICTION, what=f"{what} по-разному: {shown}.")._replace(value=shown)


def called(sender: str) -> str:
    """The Russian name of a sender."""
    names = {row["sender"]: row["name"] for row in rows("senders")}
    return unit_names().get(sender) or names.get(sender, sender)


def _schools_named(headings: Sequence[tuple[Sheet, Heading]], register: Register | None) -> set[str]:
    """The reporting units whose schools the tables name."""
    units: set[str] = set()
    if register is None:
        return units
    for sheet, heading in headings:
        places = [heading.columns.get(name) for name in ("school_code", "school_name")]
        for row in sheet.rows[heading.last + 1 :]:
            code, name = (cell_text(row[c]) if c is not None and c < len(row) else None for c in places)
            match = register.school(code, name, (None,))
            if match.school is not None and match.problem is None and match.school.subordination is not None:
                units.add(match.school.subordination)
    return units
