"""The marts for machines: a catalogue in JSON (DCAT's words for data sets, OpenMetadata's for tables and columns), and
what a csv file holds (CSV on the Web, https://www.w3.org/TR/tabular-metadata/)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from flows.home.json_output import Document
from warehouse.marts.columns import kind
from warehouse.marts.definitions import ALL_FORMS, Mart, live, marts, views

TITLE = "Мониторинг Профминимума: витрины"
TYPES = {
    "текст": ("TEXT", "string"),
    "целое": ("BIGINT", "integer"),
    "число": ("NUMERIC", "number"),
    "доля": ("NUMERIC", "number"),
    "да/нет": ("BOOLEAN", "boolean"),
    "дата": ("DATE", "date"),
    "момент": ("TIMESTAMPZ", {"base": "datetime", "format": "yyyy-MM-ddTHH:mm:ss.SSSSSSX"}),
}
"""Kind of a column → OpenMetadata's dataType, CSVW's datatype."""
LAYERS = (("facts", marts), ("marts", views), ("live", live))
"""What marts are made of; `live` ones are not published."""
METADATA = "-metadata.json"
"""What CSVW adds to the name of a file."""


def catalogue(only: str | None = None) -> Document:
    """All marts, or one, by name."""
    told = [(layer, mart) for layer, of_layer in LAYERS for mart in of_layer() if only in (None, mart.name)]
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "title": "dct:title",
            "description": "dct:description", "dataset": "dcat:dataset", "identifier": "dct:identifier",
        },
        "@type": "dcat:Catalog",
        "title": TITLE,
        "dataset": [_dataset(layer, mart) for layer, mart in told],
    }  # fmt: skip


def csvw(mart: Mart, columns: Sequence[str], file: str) -> Document:
    """What a csv file of a mart holds, for the document that lies beside it."""
    return {"@context": ["http://www.w3.org/ns/csvw", {"@language": "ru"}], **_table(mart, columns, file)}


def csvw_of_all(only: str | None = None) -> Document:
    """What the csv files of all marts hold, or of one, each named `<mart>.csv`."""
    told = [mart for _, of_layer in LAYERS for mart in of_layer() if only in (None, mart.name)]
    tables = [_table(mart, tuple(mart.columns), f"{mart.name}.csv") for mart in told]
    return {"@context": ["http://www.w3.org/ns/csvw", {"@language": "ru"}], "tables": tables}


def beside(file: PurePath) -> str:
    """The name of the document beside a csv file."""
    return f"{file.name}{METADATA}"


def key_of(mart: Mart) -> list[str]:
    """The columns that tell all rows of a mart apart."""
    return list(dict.fromkeys([*(name for name in ("region", "as_of") if name in mart.columns), *mart.key]))


def _dataset(layer: str, mart: Mart) -> Document:
    title, _, description = mart.about.partition(". ")
    relations = [mart.relation] if layer == "live" else [mart.relation, mart.latest, mart.as_known]
    return {
        "@type": "dcat:Dataset",
        "identifier": mart.relation,
        "name": mart.name,
        "title": title.rstrip("."),
        "description": description,
        "layer": layer,
        "relations": relations,
        "columns": [
            {"name": name, **_words(mart, name), "dataType": TYPES[kind(name, *mart.kinds)[0]][0],
             "unit": kind(name, *mart.kinds)[1] or None, "ordinalPosition": place}
            for place, name in enumerate(mart.captions, 1)
        ],
        "tableConstraints": [{"constraintType": "UNIQUE", "columns": key_of(mart)}],
        "measures": list(mart.stated.measures),
        "rates": [
            {"name": rate.name, "numerator": rate.numerator, "denominator": rate.denominator,
             "population": rate.population, "band": rate.band or None}
            for rate in mart.stated.rates
        ],
        "source": {"marts": sorted(mart.marts_read), "forms": _forms(mart.forms)},
    }  # fmt: skip


def _forms(named: Iterable[str]) -> list[str]:
    return ["*"] if ALL_FORMS in named else list(named)


def _words(mart: Mart, column: str) -> Document:
    title, _, explanation = mart.captions[column].partition(". ")
    return {"displayName": title.rstrip("."), "description": explanation}


def _table(mart: Mart, columns: Sequence[str], file: str) -> Document:
    """A table of CSVW. Of its titles the first is that of the file's head, the second is for people."""
    told = []
    for name in columns:
        words = _words(mart, name)
        told.append({"name": name, "titles": [name, words["displayName"]], "dc:description": words["description"],
                     "datatype": TYPES[kind(name, *mart.kinds)[0]][1]})  # fmt: skip
    schema = {"columns": told, "primaryKey": key_of(mart)}
    return {"@type": "Table", "url": file, "dc:title": mart.about, "tableSchema": schema}
