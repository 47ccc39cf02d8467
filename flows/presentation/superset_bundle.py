"""The marts for Apache Superset, in the format in which it imports assets (6.1: a zip of YAML documents): a database, a
dataset a relation, charts and dashboards."""

from __future__ import annotations

import io
import zipfile

import yaml

from flows.presentation.superset_dashboards import dashboards
from flows.presentation.superset_datasets import DATABASE, VERSION, Asset, database, dataset, relations

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""That in C is ten times as fast."""
DAY = (2023, 9, 1, 0, 0, 0)
"""The time of files in the bundle, the same each time."""


def bundle() -> bytes:
    """The zip: the same bytes for the same marts and dashboards."""
    assets: dict[str, Asset] = {
        "metadata.yaml": {"version": VERSION, "type": "assets"},
        f"databases/{DATABASE}.yaml": database(),
        **{f"datasets/{DATABASE}/{relation}.yaml": dataset(mart, relation) for relation, mart in relations()},
        **dict(dashboards()),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, asset in assets.items():
            text = yaml.dump(asset, Dumper=DUMPER, allow_unicode=True, sort_keys=False, width=120)
            packed.writestr(zipfile.ZipInfo(f"{DATABASE}/{name}", DAY), text, zipfile.ZIP_DEFLATED)
    return written.getvalue()
