"""The floor of W1: COPY of an already clean typed csv of the same rows into a logged table with a primary key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.child import report

TABLE = """
DROP TABLE IF EXISTS public.export_floor;
CREATE TABLE public.export_floor (row_no bigint PRIMARY KEY, {columns})
"""


def copy(dsn: str, clean: Path, columns: str) -> dict[str, Any]:
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE.format(columns=columns))
        with clean.open("rb") as file:
            cursor.copy_expert("COPY public.export_floor FROM STDIN WITH (FORMAT csv)", file, 1 << 18)
        rows = cursor.rowcount
        connection.commit()
        cursor.execute("DROP TABLE public.export_floor")
    return {"rows": rows}


if __name__ == "__main__":
    report(lambda: copy(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
