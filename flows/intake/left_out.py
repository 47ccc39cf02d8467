"""What comes of an entry of the inbox that is not taken in: words for people."""

from __future__ import annotations

from contracts.rules import LEFT_OUT
from contracts.texts import rule_text
from documents.reading.names import as_on_disk, shown
from flows.home.faults import LOGGER
from flows.intake.incoming import Incoming, LeftOut
from flows.intake.outcome import Outcome
from transforms.findings.finding import finding

OURS = ("gone", "unreadable", "no_room")
"""What no sender can mend: a failure of ours, which makes a run fail."""


def not_taken(incoming: Incoming, why: LeftOut) -> Outcome:
    """The outcome of an entry that is not taken in: refused in words, or our failure with the same words."""
    rule = LEFT_OUT[why.why]
    name = place(incoming)
    where = name if why.is_folder else incoming.folder or "no sender"  # a file may be named after a person
    detail = f" ({why.detail})" if why.detail else ""
    text = f"{where}: {rule_text(rule.id).what_en.rstrip('.')}{detail}"
    LOGGER.warning("not taken in, %s", text)
    findings = (finding(rule, value=name),)
    if why.why in OURS:
        return Outcome(incoming.file, "", incoming.folder, failure=text, findings=findings)
    return Outcome(incoming.file, "", incoming.folder, verdict="refused", findings=findings)


def gone(incoming: Incoming) -> Outcome:
    """The outcome of a file that was taken away between the look at the inbox and the reading."""
    text = f"a file of {incoming.folder or 'no sender'} is gone since it was seen"
    LOGGER.info("%s", text)
    return Outcome(incoming.file, "", incoming.folder, failure=text, is_gone=True)


def place(incoming: Incoming) -> str:
    """Where an entry lies, as it is shown: below the inbox, else its name."""
    if incoming.inbox_path in (None, "."):
        return shown(str(incoming.path))
    return "/".join(shown(name) for name in as_on_disk(incoming.inbox_path or "").split("/"))
