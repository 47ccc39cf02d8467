"""Frames and scripts, handed to the driver inside the transaction of a SQLAlchemy connection."""

from __future__ import annotations

import io
from typing import cast

import polars as pl
import psycopg2.extensions
from sqlalchemy import Connection

SLICE_ROWS = 50_000


def driver_cursor(connection: Connection) -> psycopg2.extensions.cursor:
    """A psycopg2 cursor in the connection's own transaction."""
    return cast(psycopg2.extensions.cursor, connection.connection.cursor())


def run_script(connection: Connection, sql: str) -> None:
    """Run statements that take no parameters, exactly as written: neither `%` nor `:name` means anything in them."""
    with driver_cursor(connection) as cursor:
        cursor.execute(sql)


def copy_frame(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Append the frame to the table, column by name; the frame's types are those of the table.

    Text goes quoted and NULL bare, so that a blank text, a lone `\\.` and line ends arrive as they are. The byte 0x00,
    which Postgres cannot hold, is left out. Lists of text become arrays.
    """
    if frame.is_empty():
        return
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    with driver_cursor(connection) as cursor:
        for block in frame.iter_slices(SLICE_ROWS):
            cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv)", as_csv(block))


def as_csv(frame: pl.DataFrame) -> io.BytesIO:
    """A frame as COPY reads it, see `copy_frame`."""
    ready = frame.with_columns(
        _array_literal(name) for name, dtype in frame.schema.items() if dtype == pl.List(pl.String)
    )
    text = _written(ready)
    if b"\0" in text.getvalue():  # a byte is found in the whole much faster than in each text
        text = _written(ready.with_columns(pl.col(pl.String).str.replace_all("\x00", "", literal=True)))
    return text


def _written(frame: pl.DataFrame) -> io.BytesIO:
    text = io.BytesIO()
    frame.write_csv(text, include_header=False, null_value="", quote_style="non_numeric")
    text.seek(0)
    return text


def _array_literal(name: str) -> pl.Expr:
    """A list of texts as Postgres writes arrays: `{"a","b",NULL}`; a null list stays null."""
    escaped = pl.element().str.replace_many(["\x00", "\\", '"'], ["", "\\\\", '\\"'])
    quoted = pl.concat_str(pl.lit('"'), escaped, pl.lit('"')).fill_null("NULL")
    return pl.concat_str(pl.lit("{"), pl.col(name).list.eval(quoted).list.join(","), pl.lit("}")).alias(name)
