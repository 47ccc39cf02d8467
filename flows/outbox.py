"""What goes back to the senders: for now the findings of each delivery as a CSV."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from documents.findings_csv import findings_csv
from flows.outcome import Outcome

LONGEST_STEM = 80


def findings_file(outbox: Path, outcome: Outcome) -> Path:
    """Where the findings of a delivery go."""
    stem = Path(outcome.file).stem[:LONGEST_STEM]
    return outbox / outcome.place / f"{stem}.{outcome.sha256[:8]}.findings.csv"


def write_findings(outbox: Path, outcomes: Iterable[Outcome]) -> list[Path]:
    """Write the findings of each delivery that has any; a file that is there already with the same bytes is left."""
    written = []
    for outcome in outcomes:
        if not outcome.findings:
            continue
        path, data = findings_file(outbox, outcome), findings_csv(outcome.findings, outcome.form)
        if path.exists() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{secrets.token_hex(8)}")
        made.write_bytes(data)
        made.replace(path)
        written.append(path)
    return written
