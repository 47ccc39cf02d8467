"""Rules that every form shares; their words are in `contracts/texts/rules.csv`.

They are applied by the mechanism (reading, finding the table, parsing a cell, resolving a key), not by expressions.
"""

from __future__ import annotations

from contracts.form import Kind, Rule

UNREADABLE = {
    "empty": Rule("COM-001", "refuse", "delivery"),
    "encrypted": Rule("COM-002", "refuse", "delivery"),
    "corrupt": Rule("COM-003", "refuse", "delivery"),
    "unknown": Rule("COM-004", "refuse", "delivery"),
    "too_large": Rule("COM-005", "refuse", "delivery"),
    "too_slow": Rule("COM-006", "refuse", "delivery"),
}
DOUBTS = {
    "encoding": Rule("COM-026", "warning", "delivery"),
    "separator": Rule("COM-027", "warning", "delivery"),
    "records": Rule("COM-028", "warning", "delivery"),
    "parts": Rule("COM-085", "warning", "delivery"),
    "far_cells": Rule("COM-086", "warning", "delivery"),
}
"""Decisions of the reader that may be wrong (`contracts.grid.Doubt`)."""

LEFT_OUT = {
    "quota": Rule("COM-080", "refuse", "delivery"),
    "no_room": Rule("COM-081", "refuse", "delivery"),
    "link": Rule("COM-082", "refuse", "delivery"),
    "special": Rule("COM-082", "refuse", "delivery"),
    "unreadable": Rule("COM-083", "refuse", "delivery"),
    "gone": Rule("COM-084", "refuse", "delivery"),
}
"""Why something that lies in the inbox is not taken in (`flows.intake.incoming.LeftOut`)."""

FORM_UNKNOWN = Rule("COM-010", "refuse", "delivery")
FORM_AMBIGUOUS = Rule("COM-011", "refuse", "delivery")
HEADING_MISSING = Rule("COM-012", "refuse", "table")
HEADING_UNKNOWN = Rule("COM-013", "warning", "table")
HEADING_TWICE = Rule("COM-014", "refuse", "table")
NO_ROWS = Rule("COM-015", "refuse", "table")
CONTRADICTION = Rule("COM-016", "refuse", "delivery")
SENDER_UNKNOWN = Rule("COM-017", "refuse", "delivery")
AS_OF_UNKNOWN = Rule("COM-018", "refuse", "delivery")
NO_CAMPAIGN = Rule("COM-019", "refuse", "delivery")
SUSPICIOUSLY_SMALLER = Rule("COM-020", "warning", "history")
SENDER_WRONG = Rule("COM-021", "refuse", "delivery")
KEY_NORMALISED = Rule("COM-022", "note", "cell")
ROW_NOT_UNDERSTOOD = Rule("COM-023", "error", "row")
NO_REGISTER = Rule("COM-024", "warning", "register")

HIDDEN_SHEET = Rule("COM-025", "warning", "table")
HIDDEN_ROWS = Rule("COM-029", "warning", "table")

CELL: dict[Kind, Rule] = {
    "count": Rule("COM-030", "error", "cell"),
    "grade": Rule("COM-030", "error", "cell"),
    "lesson": Rule("COM-030", "error", "cell"),
    "amount": Rule("COM-030", "error", "cell"),
    "hours": Rule("COM-031", "error", "cell"),
    "date": Rule("COM-032", "error", "cell"),
    "yes_no": Rule("COM-033", "error", "cell"),
    "choice": Rule("COM-034", "error", "cell"),
    "percent": Rule("COM-035", "error", "cell"),
    "grades": Rule("COM-036", "error", "cell"),
    "letter": Rule("COM-113", "error", "cell"),
    "unit": Rule("COM-037", "error", "cell"),
    "school_name": Rule("COM-038", "error", "register"),
}

CELL_ERROR = Rule("COM-039", "error", "cell")
BLANK = Rule("COM-040", "error", "cell")
OUT_OF_RANGE = Rule("COM-041", "error", "cell")
NOT_IN_OPEN_LIST = Rule("COM-042", "warning", "cell")
NO_RESULT = Rule("COM-043", "error", "cell")
TWO_MEANINGS = Rule("COM-044", "error", "cell")
FOOTNOTE_MARK = Rule("COM-045", "note", "cell")
NOUGHT_RESTORED = Rule("COM-046", "note", "cell")
ANOTHER_TABLE = Rule("COM-048", "warning", "table")
NOT_FILLED_IN = Rule("COM-049", "warning", "table")
DUPLICATE_KEY = Rule("COM-050", "error", "table")
SCHOOL_OF_ANOTHER = Rule("COM-051", "error", "register")
SCHOOL_AMBIGUOUS = Rule("COM-052", "error", "register")
CODE_AND_NAME_DIFFER = Rule("COM-053", "error", "register")
NAME_MISSPELT = Rule("COM-105", "note", "register")
CODE_UNKNOWN = Rule("COM-106", "error", "register")
WORD_WITH_TAIL = Rule("COM-107", "note", "cell")
SPOILT = Rule("COM-108", "error", "cell")
SPOILT_TEXT = Rule("COM-109", "warning", "cell")
GRADES_FROM_DAY = Rule("COM-110", "note", "cell")
SCHOOL_YEAR_DIFFERS = Rule("COM-111", "warning", "delivery")
MONTH_JUST_BEGUN = Rule("COM-112", "warning", "delivery")
CLASS_READ_AS = Rule("COM-114", "note", "cell")
YEAR_OF_REPORT = Rule("COM-115", "note", "cell")
MINUTES_AS_HOURS = Rule("COM-116", "note", "cell")
YEAR_TO_COME = Rule("COM-117", "note", "delivery")
RULE_STATE = Rule("COM-120", "note", "delivery")
TOTAL_MISSING = Rule("COM-060", "warning", "table")
UNITS_MISSING = Rule("COM-061", "warning", "table")
ROSTER_SHORT = Rule("COM-062", "warning", "register")
LATE = Rule("COM-063", "note", "delivery")
WRONG_SIZE = Rule("COM-064", "refuse", "delivery")
TOTAL_UNNAMED = Rule("COM-065", "warning", "table")
CLAIM_AHEAD = Rule("COM-075", "warning", "delivery")
BEFORE_ITS_DATE = Rule("COM-076", "warning", "delivery")
SENT_AGAIN = Rule("COM-077", "note", "history")
FOLDER_UNOWNED = Rule("COM-078", "refuse", "delivery")

OF_CIRCUMSTANCES = (LATE.id, CLAIM_AHEAD.id, BEFORE_ITS_DATE.id)
"""What the moment of receipt says alone: of the same file sent again it may be otherwise."""
SHARED_NUMBER = Rule("COM-095", "error", "cell")
HIDDEN_UNDER_MERGED = Rule("COM-096", "note", "table")
SEVERAL_COLUMNS = Rule("COM-097", "refuse", "table")
PARTS_LEFT = Rule("COM-098", "note", "table")
TABLES_BESIDE = Rule("COM-099", "refuse", "table")
LIST_BESIDE = Rule("COM-100", "note", "table")
BRANCH_LEFT_OUT = Rule("COM-101", "note", "table")
OLDER_SHEETS = Rule("COM-102", "warning", "delivery")
HEADING_OF_OTHER_YEAR = Rule("COM-103", "warning", "table")
SUM_OR_DATA = Rule("COM-104", "error", "row")
SCHOOLS_LOST = Rule("COM-070", "warning", "history")
NOTHING_LOADED = Rule("COM-071", "refuse", "history")
TOO_MUCH_SET_ASIDE = Rule("COM-072", "refuse", "delivery")
HOLDS = frozenset({SUSPICIOUSLY_SMALLER.id, SCHOOLS_LOST.id})
"""Rules by which a reading waits for an officer's decision before it counts."""

READ_AS = (
    KEY_NORMALISED.id, FOOTNOTE_MARK.id, NOUGHT_RESTORED.id, NAME_MISSPELT.id, WORD_WITH_TAIL.id, GRADES_FROM_DAY.id,
    CLASS_READ_AS.id, YEAR_OF_REPORT.id, MINUTES_AS_HOURS.id,
)  # fmt: skip
"""Notes of cells that were read: what they show as expected is what was read."""
ALONE = tuple(rule for rule in globals().values() if isinstance(rule, Rule))
COMMON: tuple[Rule, ...] = tuple(
    {
        rule.id: rule
        for rule in sorted(
            (*ALONE, *UNREADABLE.values(), *DOUBTS.values(), *CELL.values(), *LEFT_OUT.values()),
            key=lambda rule: rule.id,
        )
    }.values()
)
