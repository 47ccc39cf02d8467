"""`profmin layout`: how the headings of files are understood, what changed, and what a person may add."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import getpass
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.grid import Range
from contracts.reading import Suggestion
from contracts.regions import code_at
from contracts.vocabulary import FORM_FOLDERS
from flows.home.connection import warehouse
from flows.home.faults import Fault
from flows.home.json_output import Document, write
from flows.home.settings import Settings
from flows.home.usage import UsageError, write_anew
from flows.intake.archive import digested
from flows.intake.arrival import Arrival
from flows.intake.incoming import Options, named
from flows.intake.readings import DeliveryFiles
from flows.intake.register_file import register_at_hand
from transforms.identity.identify import Context, Delivery, identify
from warehouse.deliveries.layouts import LayoutBefore, last_layouts

Entry = tuple[str, str, str, str, str]
"""A line of a form's table of approved headings: column, heading, why, by, on."""


def show_layouts(
    paths: Sequence[Path], options: Options, settings: Settings, *, as_json: bool, propose: bool, to: Path | None
) -> None:
    """Print a layout a file, and write the patch with the headings to approve when that is asked for.

    Raises UsageError when the patch would be written over a file, or there is nothing to propose.
    """
    with TemporaryDirectory() as folder:
        files = list(_identified_files(paths, options, settings, Path(folder)))
    before = _layouts_before([delivery for _, delivery in files if delivery is not None], settings)
    documents = [_document(arrival, delivery, before) for arrival, delivery in files]
    if as_json:
        write(documents)
    else:
        sys.stdout.write("\n".join(line for file_document in documents for line in _layout_lines(file_document)) + "\n")
    if propose:
        path = _write_patch([(arrival, delivery) for arrival, delivery in files if delivery is not None], to)
        sys.stderr.write(f"{path} adds the suggested headings: read it, then git apply it.\n")


def _identified_files(
    paths: Sequence[Path], options: Options, settings: Settings, folder: Path
) -> Iterator[tuple[Arrival, Delivery | None]]:
    """What each file is; one of an unknown form is taken for the form that it resembles. None when it failed on us."""
    delivery_files = DeliveryFiles(settings)
    incoming = named(paths, settings.inbox)
    arrivals = [arrival for file in incoming for arrival in digested(file, folder, settings.reader_limits)]
    for arrival, delivery in zip(arrivals, delivery_files.read(arrivals), strict=True):
        if isinstance(delivery, Fault):
            yield arrival, None
            continue
        region = code_at(delivery.folder or options.sender)
        schools = register_at_hand(settings, None, delivery_files, region)
        context = Context(schools, b"", options.form, options.sender)
        identified_delivery = identify(delivery, context)
        yield arrival, _as_nearest(delivery, identified_delivery, context)


def _as_nearest(delivery: Delivery, identified: Delivery, context: Context) -> Delivery:
    """The delivery read as the form that it resembles, where its own is not known."""
    if identified.form is not None or identified.nearest is None:
        return identified
    return replace(identify(delivery, replace(context, form=identified.nearest.name)), nearest=identified.nearest)


def _layouts_before(deliveries: Sequence[Delivery], settings: Settings) -> dict[str, LayoutBefore]:
    """By sha256 the layout of what its sender last sent of the form and was accepted. A new home gets no server."""
    wanted = [
        (delivery.sha256, delivery.form.name, delivery.sender)
        for delivery in deliveries
        if delivery.form is not None and delivery.sender
    ]
    if settings.database_url is None and not settings.pgdata.exists():
        sys.stderr.write("There is no database yet: nothing is compared with earlier deliveries.\n")
        return {}
    if not wanted:
        return {}
    with warehouse(settings) as engine, engine.connect() as connection:
        return last_layouts(connection, wanted)


def _document(arrival: Arrival, delivery: Delivery | None, before: dict[str, LayoutBefore]) -> Document:
    """The JSON object of a file."""
    about: Document = {"file": arrival.file, "sha256": arrival.sha256, "form": None, "why": None}
    if delivery is None:
        return about | {"why": "Our own failure; the log has it."}
    layout, form = delivery.layout, delivery.form
    if form is None or delivery.edition is None:
        return about | {"why": " ".join(finding.message for finding in delivery.findings)}
    titles = {column.name: column.title for column in delivery.edition.columns}
    guesses = {suggestion.title: asdict(suggestion) for suggestion in layout.suggested}
    return about | {
        "form": form.name,
        "edition": delivery.edition.name,
        "sender": delivery.sender,
        "recognised": delivery.nearest is None,
        "headings": [
            f"{sheet.name}!{_span(heading.first, heading.last, heading.keys)}" for sheet, heading in delivery.headings
        ],
        "matched": [
            {"heading": heading, "cell": layout.places.get(column), "column": column, "title": titles.get(column)}
            for heading, column in layout.matched.items()
        ],
        "missing": [{"title": title, "suggestion": guesses.get(title)} for title in layout.missing],
        "unknown": [
            {"heading": shown, "cell": f"{sheet.name}!{heading.address(sheet, place)}"}
            for sheet, heading in delivery.headings
            for place, shown in heading.shown_unknown.items()
        ],
        "suggested": [asdict(suggestion) for suggestion in layout.suggested],
        "since": _since(delivery, before.get(arrival.sha256)),
        "entries": [_line(entry) for entry in _entries(delivery)],
    }


def _span(first: int, last: int, places: dict[int, frozenset[str]]) -> str:
    """The address of the rows `first` to `last` over the columns of some headings."""
    return Range(first, min(places), last, max(places)).address


def _since(delivery: Delivery, before: LayoutBefore | None) -> Document | None:
    """What changed since the sender's last accepted delivery. A sheet of another name is no move."""
    if before is None:
        return None
    was, now = before.layout, delivery.layout
    old = {column: heading for heading, column in was.matched.items()}
    new = {column: heading for heading, column in now.matched.items()}

    def cell(place: str | None) -> str | None:
        return place.rpartition("!")[2] if place else None

    return {
        "reading_id": before.reading_id,
        "as_of": before.as_of.isoformat() if before.as_of else None,
        "moved": [
            {"column": column, "from": was.places[column], "to": place}
            for column, place in now.places.items()
            if column in was.places and cell(was.places[column]) != cell(place)
        ],
        "reworded": [
            {"column": column, "from": old[column], "to": heading}
            for column, heading in new.items()
            if column in old and old[column] != heading
        ],
        "appeared": [
            *sorted(new.keys() - old.keys()),
            *(heading for heading in now.unknown if heading not in was.unknown),
        ],
        "disappeared": [
            *sorted(old.keys() - new.keys()),
            *(heading for heading in was.unknown if heading not in now.unknown),
        ],
    }


def _layout_lines(about: Document) -> Iterator[str]:
    """The JSON object of a file in lines for a person."""
    if about["form"] is None:
        yield f"{about['file']}: {about['why']}"
        return
    doubt = "" if about["recognised"] else " (not recognised; it is the nearest form)"
    yield f"{about['file']}: {about['form']} {about['edition']}{doubt}, sender {about['sender'] or 'unknown'}"
    yield f"  heading {', '.join(about['headings'])}"
    yield f"  matched {len(about['matched'])}"
    yield from (f"    {row['cell']}\t«{row['heading']}» → {row['column']}" for row in about["matched"])
    if about["missing"]:
        yield f"  missing {len(about['missing'])}"
    for row in about["missing"]:
        guess = row["suggestion"]
        perhaps = f": perhaps «{guess['heading']}» in {guess['cell']}, {guess['score']} of 100" if guess else ""
        yield f"    «{row['title']}»{perhaps}"
    if about["unknown"]:
        yield f"  unknown {len(about['unknown'])}"
        yield from (f"    {row['cell']}\t«{row['heading']}»" for row in about["unknown"])
    yield from _lines_since(about["since"])
    if about["entries"]:
        yield f"  to approve, in {_table_of(about['form'])}"
        yield from (f"    {entry}" for entry in about["entries"])


def _lines_since(changes: Document | None) -> Iterator[str]:
    """What changed since the last accepted delivery, in lines for a person."""
    if changes is None:
        return
    names = ("moved", "reworded", "appeared", "disappeared")
    nothing = "" if any(changes[name] for name in names) else ": the same layout"
    yield f"  since reading {changes['reading_id']} of {changes['as_of']}{nothing}"
    for name in names:
        for change in changes[name]:
            text = change if isinstance(change, str) else f"{change['column']}: {change['from']} → {change['to']}"
            yield f"    {name}\t{text}"


def _entries(delivery: Delivery) -> list[Entry]:
    """Lines that a person may add to the form's table of approved headings, one a suggestion."""
    today = dt.datetime.now().astimezone().date().isoformat()
    why = f"так написано в файле {delivery.sha256[:8]}, отправитель {delivery.sender or 'не назван'}"
    by = getpass.getuser()

    def entry(suggestion: Suggestion) -> Entry:
        return suggestion.column, suggestion.heading, why, by, today

    return [entry(suggestion) for suggestion in delivery.layout.suggested]


def _line(entry: Entry) -> str:
    """An entry as a line of CSV, without its end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(entry)
    return out.getvalue()


def _write_patch(files: Sequence[tuple[Arrival, Delivery]], to: Path | None) -> Path:
    """Write the patch that adds the suggested headings of all files to their forms' tables.

    `to` is its path or its folder.
    """
    proposed = [
        (arrival, delivery.form.name, entry)
        for arrival, delivery in files
        if delivery.form is not None
        for entry in _entries(delivery)
    ]
    if not proposed:
        raise UsageError("there is nothing to propose: no unknown heading resembles a column that is missing")
    lines = {(form, *entry[:2]): f"{_line(entry)}\n" for _, form, entry in reversed(proposed)}
    arrival, first, _ = proposed[0]
    path = to or Path()
    if path.is_dir():
        path /= f"layout-{first}-{arrival.sha256[:8]}.patch"
    diff: list[str] = []
    for form in dict.fromkeys(form for _, form, _ in proposed):
        old = (FORM_FOLDERS / form / "headings.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        new = [line for (of, *_), line in reversed(lines.items()) if of == form]
        diff += difflib.unified_diff(old, [*old, *new], f"a/{_table_of(form)}", f"b/{_table_of(form)}")
    write_anew(path, "".join(diff).encode())
    return path


def _table_of(form: str) -> str:
    """The table of the approved headings of a form, as a patch names it."""
    return f"contracts/forms/{form}/headings.csv"
