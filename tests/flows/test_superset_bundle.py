"""What Superset imports: a dataset a relation, charts that show what there is. A real one loads it in tests/bi."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import Any

import pytest
import yaml

from flows.cli.dictionary import show_dictionary
from flows.home.usage import UsageError
from flows.presentation import superset_dashboards
from flows.presentation.superset_bundle import bundle
from flows.presentation.superset_dashboards import TITLES, dashboards, lines
from flows.presentation.superset_datasets import OWN_LOGIN, in_words, measures, relations
from warehouse.marts.definitions import live, marts, views
from warehouse.marts.published import mart_named


@pytest.fixture(scope="module")
def assets() -> dict[str, Any]:
    """Name in the bundle → what stands there."""
    with zipfile.ZipFile(io.BytesIO(bundle())) as packed:
        return {name.partition("/")[2]: yaml.load(packed.read(name), DUMPED) for name in packed.namelist()}


DUMPED = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def of_kind(assets: dict[str, Any], folder: str) -> dict[str, Any]:
    """Identifier → asset, of those in a folder of the bundle."""
    return {asset["uuid"]: asset for name, asset in assets.items() if name.startswith(f"{folder}/")}


def test_every_relation_of_every_mart_is_a_dataset_with_all_its_columns(assets: dict[str, Any]) -> None:
    found = {each["table_name"]: each for each in of_kind(assets, "datasets").values()}
    named = {mart.name for mart in (*marts(), *views(), *live())}
    assert set(found) == named | {f"{mart.name}_latest" for mart in (*marts(), *views())}
    for relation, mart in relations():
        columns = found[relation]["columns"]
        own = [each["column_name"] for each in columns if "expression" not in each]
        assert own == list(mart.captions)
        assert all(each["verbose_name"] for each in columns)


def test_charts_show_datasets_columns_and_measures_that_are_there(assets: dict[str, Any]) -> None:
    datasets, charts = of_kind(assets, "datasets"), of_kind(assets, "charts")
    for chart in charts.values():
        dataset = datasets[chart["dataset_uuid"]]
        columns = {each["column_name"] for each in dataset["columns"]}
        metrics = {each["metric_name"] for each in dataset["metrics"]}
        shown = chart["params"]
        asked = {*shown.get("all_columns", ()), *shown.get("groupby", ()), *filter(None, (shown.get("x_axis"),)),
                 *(each["subject"] for each in shown["adhoc_filters"])}  # fmt: skip
        assert asked <= columns, chart["slice_name"]
        assert {*shown.get("metrics", ()), *filter(None, (shown.get("metric"),))} <= metrics, chart["slice_name"]
    placed = [each["meta"]["uuid"] for board in of_kind(assets, "dashboards").values()
              for each in board["position"].values() if isinstance(each, dict) and each["type"] == "CHART"]  # fmt: skip
    assert sorted(placed) == sorted(charts) and len(charts) == len(lines())


def test_a_line_that_shows_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = next(line for line in lines() if line.kind == "bars")
    for wrong in (replace(bars, shown=("no_such",)), replace(bars, by=("no_such",)), replace(bars, relation="no_such")):
        monkeypatch.setattr(superset_dashboards, "lines", lambda wrong=wrong: (wrong,))
        with pytest.raises((KeyError, ValueError), match="no_such"):
            list(dashboards())


def test_rows_of_a_dashboard_have_twelve_columns_at_most(assets: dict[str, Any]) -> None:
    boards = of_kind(assets, "dashboards")
    assert {board["dashboard_title"] for board in boards.values()} == set(TITLES.values())
    for board in boards.values():
        for row in (each for each in board["position"].values() if isinstance(each, dict) and each["type"] == "ROW"):
            assert sum(board["position"][chart]["meta"]["width"] for chart in row["children"]) <= 12


def test_the_address_that_is_imported_is_of_nobody(assets: dict[str, Any]) -> None:
    (database,) = of_kind(assets, "databases").values()
    assert database["sqlalchemy_uri"] == f"postgresql+psycopg2://{OWN_LOGIN}@profmin/profmin"
    assert not any(database[may] for may in ("expose_in_sqllab", "allow_dml", "allow_ctas", "allow_csv_upload"))


def test_shares_are_sums_over_sums_of_what_is_known(assets: dict[str, Any]) -> None:
    share = measures(mart_named("readiness_by_municipality"))["accepted_rate"]["expression"]
    known = "FILTER (WHERE accepted IS NOT NULL AND schools IS NOT NULL)"
    assert share == f"(sum(accepted) {known})::numeric / nullif(sum(schools) {known}, 0)"
    assert not any("avg(" in metric["expression"] for each in of_kind(assets, "datasets").values()
                   for metric in each["metrics"])  # fmt: skip
    assert measures(mart_named("indicators"))["value"]["expression"].startswith("(sum(numerator) FILTER")


def test_codes_are_said_in_words() -> None:
    mart = mart_named("readiness_by_municipality")
    assert [in_words(mart, name) for name in ("band", "is_final", "schools", "reporting_unit")] == [
        "band_in_words", "is_final_in_words", "schools", "reporting_unit",
    ]  # fmt: skip


def test_the_command_writes_the_same_bytes_each_time() -> None:
    command = [sys.executable, "-m", "flows.cli.app", "dictionary", "--format", "superset"]
    assert subprocess.run(command, capture_output=True, check=True, timeout=100).stdout == bundle()
    with pytest.raises(UsageError, match="is of all marts"):
        show_dictionary("readiness_by_school", "superset")
