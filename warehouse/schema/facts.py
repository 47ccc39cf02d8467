"""Fact tables, one a form, made from its contract: a new form needs no migration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from contracts.form import Column, Form, Kind
from contracts.forms import FORMS
from warehouse.core.copying import run_script

SQL_TYPES: dict[Kind, str] = {
    "text": "text",
    "school_code": "text",
    "school_name": "text",
    "unit": "text",
    "choice": "text",
    "grades": "text",
    "letter": "text",
    "inn": "text",
    "oktmo": "text",
    "deadline": "text",
    "markup": "text",
    "items": "text",
    "months": "bigint",
    "count": "bigint",
    "amount": "bigint",
    "grade": "bigint",
    "lesson": "bigint",
    "hours": "numeric",
    "percent": "numeric",
    "date": "date",
    "yes_no": "boolean",
}
"""Hours and percents are exact decimals: a stated 33,77 % stays 33,77 %."""


@dataclass(frozen=True)
class FactColumn:
    """A column of a fact table: its SQL type with constraints, and its comment (Russian caption first)."""

    name: str
    definition: str
    comment: str

    @property
    def type(self) -> str:
        """The SQL type without constraints."""
        return self.definition.split(" ", 1)[0]


SCHOOL_OF_ROW = FactColumn("school_id", "bigint REFERENCES ref.school_identity", "Школа, если строка о школе.")
PERSON = "Ключ работника. Псевдоним в пределах отправителя; vacant — работника нет, место свободно."
SCHOOL_ID = FactColumn("school_id", "bigint NOT NULL REFERENCES ref.school_identity", "Школа.")


def fact_table(form: Form) -> str:
    """The name of the form's fact table in the schema `core`."""
    return f"{form.name}_fact"


def key_columns(form: Form) -> tuple[str, ...]:
    """What tells rows of a reading apart: the form's grain; of a register the school's lasting id."""
    return ("school_id",) if form.defines_schools else form.key


def fact_columns(form: Form) -> tuple[FactColumn, ...]:
    """Columns of the form's fact table after `reading_id`: keys first. A personal column is never among them."""
    return tuple({column.name: column for column in (*_keys(form), *_measures(form))}.values())


def _keys(form: Form) -> Iterator[FactColumn]:
    columns = {column.name: column for column in _columns(form)}
    school = SCHOOL_OF_ROW if form.has("served") else SCHOOL_ID
    for name in key_columns(form):
        if form.people is not None and name == form.people.key:
            yield FactColumn(name, "text NOT NULL", PERSON)
        else:
            yield school if name == school.name else _loaded(columns[name], is_key=True)


def _measures(form: Form) -> Iterator[FactColumn]:
    if form.pupils:
        for name, measure in form.pupils.measures.items():
            yield FactColumn(name, "bigint", f"{measure.title}. {measure.description}")
        return
    if not form.defines_schools and any(column.name == "school_name" for column in _columns(form)):
        yield SCHOOL_OF_ROW
    for column in _columns(form):
        if column.fact and not column.personal and column.name not in key_columns(form):
            yield _loaded(column)


def _loaded(column: Column, *, is_key: bool = False) -> FactColumn:
    definition = SQL_TYPES[column.kind] + " NOT NULL" * (is_key and not column.nullable)
    return FactColumn(column.name, definition, f"{column.title}. {column.description}")


def _columns(form: Form) -> tuple[Column, ...]:
    """Columns of all editions, the newest wording of each."""
    return tuple({column.name: column for edition in form.editions for column in edition.columns}.values())


def statements(form: Form) -> list[str]:
    """The DDL that brings the form's fact table up to its contract, whatever it was before."""
    table, columns, keys = f"core.{fact_table(form)}", fact_columns(form), key_columns(form)
    defined = "".join(f", {column.name} {column.definition}" for column in columns if column.name in keys)
    defined = f"reading_id bigint NOT NULL REFERENCES ops.reading{defined}"
    if form.by_blocks:  # references are asked row by row: two million questions of a million rows
        defined = re.sub(r" REFERENCES \S+?(?=,|$)", "", defined)
    create = f"CREATE TABLE IF NOT EXISTS {table} ({defined}"
    # A part of the key may be blank (a class without a letter); two rows that lack it are the same all the same.
    is_whole = all("NOT NULL" in column.definition for column in columns if column.name in keys)
    unique = "PRIMARY KEY" if is_whole else "UNIQUE NULLS NOT DISTINCT"
    return [
        f"{create}, {unique} (reading_id, {', '.join(keys)}))",
        *(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column.name} {column.type}" for column in columns),
        f"COMMENT ON TABLE {table} IS {literal(f'{form.title}. Строка — {form.row_is}.')}",
        *(f"COMMENT ON COLUMN {table}.{column.name} IS {literal(column.comment)}" for column in columns),
    ]


def reach(forms: Sequence[Form]) -> list[str]:
    """The DDL of functions that reach facts of a form and a reading when the form is a value: a branch for each form
    that has such facts, of which only that of the form asked for is run."""
    schools = [form for form in forms if form.has("school")]
    units = [form for form in forms if form.has("unit")]
    pupils = [(form, next(iter(form.pupils.measures))) for form in forms if form.pupils and form.has("school")]
    return [
        _reaching("schools_loaded", {"school_id": "bigint"}, [(form, "e.school_id") for form in schools]),
        _reaching("units_loaded", {"reporting_unit": "text"}, [(form, "e.reporting_unit") for form in units]),
        _reaching(
            "pupils_counted",
            {"school_id": "bigint", "pupils": "bigint"},
            [(form, f"e.school_id, e.{measure}") for form, measure in pupils],
        ),
    ]


def _reaching(name: str, columns: Mapping[str, str], branches: Sequence[tuple[Form, str]]) -> str:
    """A function of a form's name ($1) and a reading ($2) in the schema `core`; columns → their types."""
    selects = [
        f"SELECT {selected} FROM core.{fact_table(form)} e WHERE $1 = {literal(form.name)} AND e.reading_id = $2"
        for form, selected in branches
    ]
    nothing = f"SELECT {', '.join(f'NULL::{kind}' for kind in columns.values())} WHERE false"
    returned = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    body = "\nUNION ALL ".join(selects) or nothing
    return (
        f"CREATE OR REPLACE FUNCTION core.{name}(form text, reading bigint) RETURNS TABLE ({returned})"
        f" LANGUAGE sql STABLE AS $$\n{body}\n$$"
    )


def literal(text: str) -> str:
    """A text as a literal of SQL, in quotes."""
    return "'" + text.replace("'", "''") + "'"


def ensure_fact_tables(connection: Connection, forms: Sequence[Form] = FORMS) -> None:
    """Make the fact tables that are missing, add the columns that an edition added, and make what reaches them.

    Raises ValueError when a column has another type than its contract says: that takes a migration.
    """
    for form in forms:
        run_script(connection, ";\n".join(statements(form)))
        types = column_types(connection, form)
        for column in fact_columns(form):
            if types[column.name] != column.type:
                raise ValueError(
                    f"core.{fact_table(form)}.{column.name} is {types[column.name]}, the contract says {column.type}: "
                    "changing the type of loaded facts needs a migration"
                )
    run_script(connection, ";\n".join(reach(forms)))


def column_types(connection: Connection, form: Form) -> dict[str, str]:
    """Column → SQL type of the form's fact table, as the database has it."""
    rows = connection.exec_driver_sql(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'core' AND table_name = %s"
        " ORDER BY ordinal_position",
        (fact_table(form),),
    )
    return dict(rows.tuples().all())
