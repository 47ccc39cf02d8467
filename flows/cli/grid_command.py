"""`profmin grid`: what the reader sees in files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from contracts.grid import Grid, Unreadable
from contracts.rules import LEFT_OUT
from contracts.texts import rule_text
from documents.reading.grid_json import document_of
from flows.home.archived import readers
from flows.home.json_output import Document
from flows.home.settings import Settings
from flows.intake.archive import digested
from flows.intake.arrival import Arrival
from flows.intake.incoming import Incoming, NotTaken, named
from flows.intake.outcome import ACCEPTED, REFUSED
from flows.intake.passed_by import is_own_file

CELLS_SHOWN = 40


def show_grids(paths: Sequence[Path], settings: Settings, *, as_json: bool) -> int:
    """A JSON document a line and a file, or a short description for people; of a zip archive, the files in it.

    The exit code: 4 when a file was refused.
    """
    code = ACCEPTED
    for incoming in named(paths, settings.inbox):
        for document in _grid_documents(incoming, settings):
            shown = [json.dumps(document, ensure_ascii=False)] if as_json else _grid_lines(document)
            sys.stdout.write("\n".join(shown) + "\n")
            sys.stdout.flush()
            code = code if document["error"] is None else REFUSED
    return code


def _grid_documents(incoming: Incoming, settings: Settings) -> Iterator[Document]:
    """The grid of a file, or of each file of a zip archive; of what is no file the reason."""
    with TemporaryDirectory() as folder:
        try:
            arrivals = digested(incoming, Path(folder), settings.reader_limits)
        except NotTaken as error:
            why = rule_text(LEFT_OUT[error.left_out.why].id).what_en
            yield document_of(incoming.file, Unreadable("unknown", why))
            return
        for arrival in arrivals:
            yield document_of(arrival.file, _grid_of(arrival, settings))


def _grid_of(arrival: Arrival, settings: Settings) -> Grid | Unreadable:
    """All cells of a file, however large it is."""
    if is_own_file(PurePath(arrival.file).name):
        return Unreadable("unknown", "A program keeps this file for itself; it is no document and was passed over.")
    try:
        return readers(settings).grid(arrival.file, arrival.path)
    except Unreadable as error:
        return error


def _grid_lines(document: Document) -> list[str]:
    """The document in lines for a person, with the first cells of each sheet."""
    lines = [f"{document['file']}: {document['error'] or 'sheets ' + str(len(document['sheets']))}"]
    for sheet in document["sheets"]:
        hidden = "" if sheet["visible"] else ", hidden"
        merged = f", merged {' '.join(sheet['merged'])}" if sheet["merged"] else ""
        lines.append(f"  {sheet['name']} {sheet['used_range'] or 'empty'}{hidden}{merged}")
        lines += [f"    {address}\t{value}" for address, value in sheet["cells"][:CELLS_SHOWN]]
        if len(sheet["cells"]) > CELLS_SHOWN:
            lines.append(f"    … {len(sheet['cells']) - CELLS_SHOWN} more cells")
    return lines
