"""The bundle in a real Superset, loaded by its one command: each reader sees his own rows, from the cache too.

Slow: a region is taken in, Superset is installed and loaded twice (`make bi`; 8 to 12 minutes of a busy machine).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from superset_served import ROOT, Bundle, Reader, region_listening

from flows.presentation.mart_sheets import caption_of
from flows.presentation.superset_dashboards import lines
from flows.presentation.superset_datasets import relations
from warehouse.marts.published import mart_named

VENV, PICTURES = os.environ.get("PROFMIN_BI"), os.environ.get("PROFMIN_BI_PICTURES")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(VENV is None, reason="Superset has an environment of its own: make bi"),
    pytest.mark.timeout(1500),
]
OWN, NEIGHBOUR = "asinovsky", "molchanovsky"
SCHOOLS = {OWN: 12, NEIGHBOUR: 8}
"""Of the source's table of readiness."""
BY_UNIT = {"columns": ["reporting_unit"], "metrics": ["rows"], "row_limit": 1000}
UNGUARDED = """
exec(compile(open({ours!r}, encoding="utf-8").read(), {ours!r}, "exec"))
FEATURE_FLAGS = FEATURE_FLAGS | {{"CACHE_QUERY_BY_USER": False}}
DATA_CACHE_CONFIG = DATA_CACHE_CONFIG | {{"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": {cache!r}}}
"""
"""Superset's defaults over our configuration: one cache for all."""


@pytest.fixture(scope="module")
def bundle() -> Iterator[Bundle]:
    """A region that listens, three logins, and the bundle loaded twice."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 4 << 30 else None
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        region_listening(Path(folder) / "home", Path(folder) / "superset", str(VENV)) as made,
    ):
        made.allow(OWN, "officer", "--region", "69", "--unit", OWN)
        made.allow(NEIGHBOUR, "officer", "--region", "69", "--unit", NEIGHBOUR)
        assert made.load() == [OWN, NEIGHBOUR]
        made.allow("head", "head", "--region", "69")
        made.allow("engineer", "engineer", "--country")
        assert made.load() == ["head", "engineer"]
        yield made


@pytest.fixture(scope="module")
def address(bundle: Bundle) -> Iterator[str]:
    with bundle.served() as at:
        yield at


def test_every_relation_is_a_dataset_with_our_captions(bundle: Bundle, address: str) -> None:
    head = bundle.reader(address, "head")
    found = head.datasets()
    assert set(found) == {name for name, _ in relations()}
    told = head.client.get(f"/api/v1/dataset/{found['readiness_by_municipality_latest']}").json()["result"]
    mart = mart_named("readiness_by_municipality")
    captions = {each["column_name"]: each["verbose_name"] for each in told["columns"]}
    assert captions.items() >= {name: caption_of(mart, name) for name in mart.captions}.items()
    assert "share_accepted_rate" in [each["metric_name"] for each in told["metrics"]]


def test_each_clerk_gets_his_own_rows_from_the_cache_too(bundle: Bundle, address: str) -> None:
    asked = []
    for name in (OWN, NEIGHBOUR, OWN, NEIGHBOUR):
        clerk = bundle.reader(address, name)
        rows, is_cached = clerk.rows(clerk.datasets()["readiness_by_school_latest"], **BY_UNIT)
        assert rows == [{"reporting_unit": name, "rows": SCHOOLS[name]}]
        asked.append(is_cached)
    assert asked == [False, False, True, True]
    head = bundle.reader(address, "head")
    rows, is_cached = head.rows(head.datasets()["readiness_by_school_latest"], **BY_UNIT)
    assert (sum(row["rows"] for row in rows), len(rows), is_cached) == (285, 21, False)


def test_no_other_way_leads_to_another_s_rows(bundle: Bundle, address: str) -> None:
    """Charts of the old kinds, whose cache the flag does not part; samples and lists of values are not for readers."""
    for name in (OWN, NEIGHBOUR, OWN):
        clerk = bundle.reader(address, name)
        dataset = clerk.datasets()["readiness_by_school_latest"]
        assert of_old_kind(clerk, dataset) == {name}
        asked = {"datasource_type": "table", "datasource_id": dataset}
        samples = clerk.client.post("/datasource/samples", params=asked, json={})
        values = clerk.client.get(f"/api/v1/datasource/table/{dataset}/column/reporting_unit/values/")
        assert (samples.status_code, values.status_code) == (403, 403)


def of_old_kind(clerk: Reader, dataset: int) -> set[str]:
    """The units that a chart of an old kind shows."""
    form = {
        "datasource": f"{dataset}__table", "viz_type": "para", "series": "reporting_unit", "metrics": ["rows"],
        "adhoc_filters": [], "row_limit": 100, "time_range": "No filter",
    }  # fmt: skip
    told = clerk.client.post("/superset/explore_json/", data={"form_data": json.dumps(form)})
    return {row["reporting_unit"] for row in told.raise_for_status().json()["data"]}


def test_by_its_defaults_it_would_serve_another_s_rows(bundle: Bundle, tmp_path: Path) -> None:
    """What the rules of the cache are for: without them, and the database's own `per_user_caching`, the tests above see
    the neighbour's rows."""
    ours = str(ROOT / "deployments" / "superset" / "superset_config.py")
    changed = UNGUARDED.format(ours=ours, cache=str(tmp_path / "cache"))
    (tmp_path / "unguarded.py").write_text(changed, encoding="utf-8")
    with by_default(bundle), bundle.served(SUPERSET_CONFIG_PATH=str(tmp_path / "unguarded.py")) as address:
        served = []
        for name in (OWN, NEIGHBOUR):
            clerk = bundle.reader(address, name)
            dataset = clerk.datasets()["readiness_by_school_latest"]
            rows, _ = clerk.rows(dataset, **BY_UNIT)
            served.append(([row["reporting_unit"] for row in rows], of_old_kind(clerk, dataset)))
    assert served == [([OWN], {OWN}), ([OWN], {OWN})]


@contextmanager
def by_default(bundle: Bundle) -> Iterator[None]:
    """While the imported database says nothing of its cache."""
    with closing(sqlite3.connect(bundle.home / "superset.db")) as store:
        kept = store.execute("SELECT id, extra FROM dbs").fetchall()
        assert all('"per_user_caching": true' in extra for _, extra in kept)
        with store:
            store.execute("UPDATE dbs SET extra = '{}'")
        try:
            yield
        finally:
            with store:
                store.executemany("UPDATE dbs SET extra = ?2 WHERE id = ?1", kept)


def test_who_has_no_login_sees_nothing_and_is_told_why(bundle: Bundle, address: str) -> None:
    listed = bundle.home / "logins.csv"
    kept = listed.read_text(encoding="utf-8")
    clerk = bundle.reader(address, OWN)
    dataset = clerk.datasets()["readiness_by_school_latest"]
    try:
        listed.write_text("".join(line for line in kept.splitlines(keepends=True) if OWN not in line), encoding="utf-8")
        told = clerk.asked(dataset, columns=["school_name"], row_limit=7)
        assert (told.status_code, told.json().get("result")) == (403, None)
        assert "нет своего входа в Postgres" in told.json()["errors"][0]["message"]
    finally:
        listed.write_text(kept, encoding="utf-8")
    assert clerk.asked(dataset, columns=["school_name"], row_limit=7).json()["result"][0]["rowcount"] == 7


def test_each_sees_the_dashboard_of_his_role(bundle: Bundle, address: str) -> None:
    for name, title in (("head", "Руководителю"), (OWN, "Сотруднику мониторинга"), ("engineer", "Инженеру данных")):
        told = bundle.reader(address, name).client.get("/api/v1/dashboard/").json()["result"]
        assert [each["dashboard_title"] for each in told] == [title]


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize(("name", "dashboard"), [("head", "head"), (OWN, "officer"), ("engineer", "engineer")])
def test_every_chart_is_drawn(bundle: Bundle, address: str, name: str, dashboard: str) -> None:
    """In a browser, by its own login; PROFMIN_BI_PICTURES keeps what is seen."""
    from playwright.sync_api import sync_playwright

    charts = [line for line in lines() if line.dashboard == dashboard]
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 3400}, locale="ru-RU")
        page.set_default_timeout(90_000)
        answered: list[tuple[int, str]] = []
        page.on("response", lambda got: answered.append((got.status, got.url)) if "chart/data" in got.url else None)
        page.goto(f"{address}/login/")
        page.fill("input#username", name)
        page.fill("input[type=password]", bundle.accounts[name])
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        page.goto(f"{address}/superset/dashboard/profmin-{dashboard}/")
        for line in charts:
            page.get_by_text(line.title, exact=True).first.wait_for()
        until = time.monotonic() + 90
        while len(drawn := [status for status, url in answered if "slice_id" in url]) < len(charts):
            assert time.monotonic() < until, answered
            page.wait_for_timeout(500)
        page.wait_for_load_state("networkidle")
        assert drawn == [200] * len(charts)
        assert page.locator("[role=alert]").all_inner_texts() == []
        if PICTURES:
            page.wait_for_timeout(10_000)  # until bars and lines have grown
            height = page.evaluate("document.querySelector('.grid-container').getBoundingClientRect().bottom")
            clip = {"x": 0, "y": 0, "width": 1280, "height": min(height, 2000)}
            to = Path(PICTURES) / f"superset_{dashboard}.jpg"
            page.screenshot(path=to, type="jpeg", quality=40, clip=clip)
        browser.close()
