"""Formulas of a csv that only keep a text a text: `="692101"` is 692101, as a spreadsheet shows it."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from contracts.grid import Blocks, Grid, Sheet, Unreadable, Value

TEXT = r'^\s*="((?:[^"]|"")*)"\s*$'
NUMBER = r"^\s*=\s*([+-]?\d+(?:[.,]\d+)?)\s*$"
PATTERNS = (re.compile(TEXT), re.compile(NUMBER))


def without_text_formulas(content: Grid | Blocks | Unreadable) -> Grid | Blocks | Unreadable:
    """The content of a text file with each formula that is one text or one number replaced by that; the very content
    when there is none. Any other formula stays as it stands, for it has no value: nothing is computed."""
    if isinstance(content, Unreadable) or content.format != "csv":
        return content
    if isinstance(content, Blocks):
        if not content.holds("="):
            return content
        frames = content.frames
        return replace(
            content, head=_plain_sheet(content.head), frames=lambda row: (_plain_frame(frame) for frame in frames(row))
        )
    sheets = [_plain_sheet(sheet) for sheet in content.sheets]
    is_same = all(after is before for after, before in zip(sheets, content.sheets, strict=True))
    return content if is_same else replace(content, sheets=sheets)


def _plain_sheet(sheet: Sheet) -> Sheet:
    if not any(_is_formula(value) for row in sheet.rows for value in row):
        return sheet
    return replace(sheet, rows=[[plain_value(value) for value in row] for row in sheet.rows])


def plain_value(value: Value) -> Value:
    """What a formula that is one text or one number states; any other value as it is."""
    if not isinstance(value, str) or not _is_formula(value):
        return value
    match = next((match for pattern in PATTERNS if (match := pattern.match(value))), None)
    return (match[1].replace('""', '"') or None) if match else value


def _is_formula(value: Value) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] == "="


def _plain_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """A block of texts so; only columns that have a formula are gone through."""
    changed = []
    for name in frame.columns:
        text = pl.col(name)
        if frame[name].dtype == pl.String and frame[name].str.contains(r"^\s*=").any():
            stated = text.str.replace(TEXT, "$1").str.replace_all('""', '"', literal=True).replace("", None)
            is_text = text.str.contains(TEXT)
            changed.append(pl.when(is_text).then(stated).otherwise(text.str.replace(NUMBER, "$1")).alias(name))
    return frame.with_columns(changed) if changed else frame
