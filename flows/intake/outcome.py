"""What came of each file: for people, for `--json` and for the exit code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from contracts.circumstances import answered_to
from contracts.reading import Answer, Finding, Layout, Reading, Rows, Status, findings_in
from flows.home.faults import Fault
from flows.home.json_output import Document
from flows.intake.arrival import Arrival, Key
from flows.intake.incoming import Incoming

ACCEPTED, OWN_FAILURE, QUARANTINED, REFUSED = 0, 1, 3, 4
"""Exit codes: nothing wrong, our own failure, rows were quarantined, a delivery was refused, is held or waits. Between
them `WRONG_USAGE` of `flows.home.usage` has its place."""


@dataclass(frozen=True)
class Outcome:
    """What came of one file. `verdict` is None when we failed ourselves, and `failure` then says how;
    `may_pass` that trying again may help, `is_gone` that the file was taken away before we read it: no failure at all.
    None it also is of a delivery that `waits_for` a form without which it cannot be read: it is read once that came.

    Verdict `held` means that the delivery waits, or waited, for an officer's decision; `status` is that of its reading,
    and None where nothing is kept. `is_repeat` says that the same bytes were read before, and what is told here is what
    was stored then. `in_force` says in a sentence what counts now, and `counts` is false when that is not this file.
    """

    file: str
    sha256: str
    folder: str | None = None
    form: str | None = None
    edition: str | None = None
    sender: str | None = None
    as_of: dt.date | None = None
    verdict: Answer | None = None
    status: Status | None = None
    rows: Rows = field(default_factory=Rows)
    layout: Layout = field(default_factory=Layout)
    findings: tuple[Finding, ...] = ()
    delivery_id: int | None = None
    reading_id: int | None = None
    is_repeat: bool = False
    in_force: str | None = None
    counts: bool = True
    failure: str | None = None
    may_pass: bool = False
    is_gone: bool = False
    waits_for: str | None = None

    def document(self, *, with_ids: bool = False) -> Document:
        """The JSON object of `check --json`; with ids of delivery and reading, and its status, of `ingest --json`.

        `waits_for` is there when it waits for something.
        """
        document: Document = {
            "file": self.file,
            "sha256": self.sha256,
            "form": self.form,
            "edition": self.edition,
            "sender": self.sender,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "verdict": self.verdict,
            "rows": asdict(self.rows),
            "layout": self._layout(),
            "findings": [_document(finding) for finding in self.findings],
        }
        counts = {"status": self.status, "in_force": self.in_force}
        ids = {"delivery_id": self.delivery_id, "reading_id": self.reading_id}
        waiting = {"waits_for": self.waits_for} if self.waits_for else {}
        return document | waiting | ({**counts, **ids} if with_ids else {})

    def _layout(self) -> Document:
        """How headings were understood; `suggested` is there when something is."""
        layout: Document = {
            "matched": self.layout.matched,
            "missing": list(self.layout.missing),
            "unknown": list(self.layout.unknown),
        }
        suggested = [asdict(suggestion) for suggestion in self.layout.suggested]
        return layout | ({"suggested": suggested} if suggested else {})

    @property
    def key(self) -> Key:
        """The same as that of the arrival."""
        return self.delivery_id or (self.sha256, self.file, self.folder or "")

    @property
    def result(self) -> str:
        """The verdict; without one `waiting` where it waits for another form, else `failed`."""
        return self.verdict or ("waiting" if self.waits_for else "failed")

    @property
    def place(self) -> str:
        """The folder in the outbox for what goes back: of whom it came from, not of whom the content names."""
        return answered_to(self.folder, self.sender) or NOBODY


def outcome_of(reading: Reading, arrival: Arrival) -> Outcome:
    """The outcome of a delivery as it was read: nothing is said yet of what the warehouse makes of it."""
    return Outcome(
        file=arrival.file,
        sha256=arrival.sha256,
        folder=arrival.folder,
        delivery_id=arrival.delivery_id,
        form=reading.form,
        edition=reading.edition,
        sender=reading.sender,
        as_of=reading.as_of,
        verdict=reading.verdict,
        rows=reading.rows,
        layout=reading.layout,
        findings=findings_in(reading.findings),
    )


def failed(arrival: Arrival | Incoming, fault: Fault) -> Outcome:
    """Our failure at a file; one that was not even archived has no checksum."""
    sha256, delivery_id = (arrival.sha256, arrival.delivery_id) if isinstance(arrival, Arrival) else ("", None)
    return Outcome(
        arrival.file, sha256, arrival.folder, delivery_id=delivery_id, failure=str(fault), may_pass=fault.passing
    )


def waiting(arrival: Arrival, form: str) -> Outcome:
    """A delivery that is read once the form is there without which it cannot be; what it is a first look has told."""
    return Outcome(
        arrival.file, arrival.sha256, arrival.folder, arrival.form, sender=arrival.sender, as_of=arrival.as_of,
        delivery_id=arrival.delivery_id, waits_for=form,
    )  # fmt: skip


def unique(arrived: Sequence[Arrival | Outcome]) -> list[Arrival]:
    """Arrivals, each delivery once."""
    arrivals: dict[Key, Arrival] = {}
    for entry in arrived:
        if isinstance(entry, Arrival):
            arrivals.setdefault(entry.key, entry)
    return list(arrivals.values())


def in_order(arrived: Sequence[Arrival | Outcome], outcomes: Mapping[Key, Outcome]) -> list[Outcome]:
    """An outcome a file, in the order of the files; of a delivery that is there twice the same one."""
    ordered: list[Outcome] = []
    seen: set[Key] = set()
    for entry in arrived:
        if isinstance(entry, Outcome):
            ordered.append(entry)
            continue
        outcome = outcomes[entry.key]
        ordered.append(replace(outcome, is_repeat=True) if entry.key in seen else outcome)
        seen.add(entry.key)
    return ordered


def first_failure(outcomes: Iterable[Outcome]) -> str | None:
    """The first failure of ours, in a sentence."""
    return next((outcome.failure for outcome in outcomes if outcome.failure and not outcome.is_gone), None)


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """One code for all files: our own failure first, then a refusal or a delivery that waits, then quarantined rows."""
    code = ACCEPTED
    for outcome in outcomes:
        if outcome.result == "failed" and not outcome.is_gone:
            return OWN_FAILURE
        if outcome.result in ("refused", "held", "waiting"):
            code = REFUSED
        elif outcome.rows.quarantined and code != REFUSED:
            code = QUARANTINED
    return code


def _document(finding: Finding) -> Document:
    """The JSON object of a finding; a whole difference is an integer: 2, not 2.0."""
    difference = finding.difference
    if isinstance(difference, float) and difference.is_integer():
        finding = finding._replace(difference=int(difference))
    return finding.document()


NOBODY = "unknown_sender"
