"""What a person must see after `make run`, each through the command that shows it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forks import Forks

from contracts.vocabulary import rows as lines_of
from documents import demo
from documents.demo import data
from documents.demo.programme_files import assignments
from transforms.cells.key import key

Rows = list[dict[str, Any]]
PRINTED = Path(data.__file__).parent


@dataclass(frozen=True)
class Seen:
    """The region taken in once, and a way to ask."""

    home: Path
    url: str
    forks: Forks

    def ask(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PROFMIN_HOME": str(self.home), "PROFMIN_DATABASE_URL": self.url}
        return self.forks.run(arguments, environment, self.home.parent)

    def mart(self, name: str) -> Rows:
        rows: Rows = json.loads(self.ask("mart", name, "--format", "json").stdout)
        return rows


@pytest.fixture(scope="module")
def seen(module_database_url: str, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    home = tmp_path_factory.mktemp("home")
    region = Seen(home, module_database_url, forks)
    made = demo.tomsk()
    demo.write_deliveries(made, home / "inbox")
    demo.put([(made.department, *assignments(made), demo.received_at(made, 0, 19, 20))], home / "inbox")
    taken = region.ask("ingest", home / "inbox", "--json")
    assert taken.returncode == 3, taken.stderr
    yield region


def printed(name: str) -> dict[str, dict[str, str]]:
    with (PRINTED / name).open(encoding="utf-8", newline="") as file:
        return {row["reporting_unit"]: row for row in csv.DictReader(file) if row["reporting_unit"]}


def test_readiness_is_the_rows_of_the_source(seen: Seen) -> None:
    rows = seen.mart("readiness_by_municipality")
    source = printed("readiness_2023.csv")
    shown = {r["reporting_unit"]: (r["schools"], r["accepted"], r["rejected"], r["missing"]) for r in rows}
    assert shown == {
        unit: tuple(int(row[name]) for name in ("schools_total", "accepted", "rejected", "missing"))
        for unit, row in source.items()
    }
    sums = [sum(row[name] for row in rows) for name in ("schools", "accepted", "rejected", "missing")]
    assert (len(rows), sums) == (21, [285, 244, 18, 23])
    assert Counter(row["band"] for row in rows) == {"green": 17, "amber": 2, "red": 2}
    assert all(
        round(row["accepted_rate"] * 100) == int(source[row["reporting_unit"]]["stated_pct"][:-1]) for row in rows
    )


def test_registration_is_the_rows_of_the_source(seen: Seen) -> None:
    rows = {row["reporting_unit"]: row for row in seen.mart("registration_by_municipality")}
    shown = {unit: (row["plan_pupils"], row["actual_pupils"]) for unit, row in rows.items()}
    assert shown == {unit: (int(r["plan"]), int(r["actual"])) for unit, r in printed("registration_2023.csv").items()}
    measures = ("plan_pupils", "actual_pupils", "balance", "shortfall", "surplus")
    assert [sum(row[name] for row in rows.values()) for name in measures] == [11254, 4828, 6426, 6427, 1]
    assert Counter(row["band"] for row in rows.values()) == {"green": 3, "amber": 4, "red": 14}
    chainsky = rows["chainsky"]
    assert (chainsky["balance"], chainsky["surplus"], chainsky["band"]) == (-1, 1, "green")
    assert chainsky["completion_rate"] == pytest.approx(196 / 195, abs=1e-12)


def test_control_totals_say_where_the_source_is_wrong(seen: Seen) -> None:
    rows = [row for row in seen.mart("control_totals") if row["form"].endswith("_summary")]
    wrong = {
        (r["metric"], r["reporting_unit"], r["stated"], r["computed"]) for r in rows if r["verdict"] == "disagrees"
    }
    assert wrong == {
        ("accepted", None, 241, 244), ("rejected", None, 20, 18), ("missing", None, 24, 23),
        ("balance", "chainsky", 1, -1),
    }  # fmt: skip
    agree = {(row["metric"], row["stated"]) for row in rows if row["verdict"] == "agrees" and not row["reporting_unit"]}
    assert agree == {("schools", 285), ("plan_pupils", 11254), ("actual_pupils", 4828), ("balance", 6426)}


def test_assignments_are_the_rows_of_the_source(seen: Seen) -> None:
    """With what measures each: the fifth is in work by the figure of readiness, the sixth has none."""
    rows = seen.mart("assignments")
    measured = {line["name"]: line["name_en"] for line in lines_of("assignment_metrics")}
    with (PRINTED / "assignments_2023.csv").open(encoding="utf-8", newline="") as file:
        source = list(csv.DictReader(file))
    names = ("number", "assignment", "deadline_printed", "deadline_kind", "deadline_from", "deadline_to")
    shown = [
        [
            *(row[name] or "" for name in names),
            measured.get(row["measured_by"], "nothing in the source measures it"),
        ]
        for row in rows
    ]
    assert shown == [list(line.values()) for line in source]
    assert rows[4]["status_words"] == "в работе: 244 из 285"
    assert rows[5]["status_words"] == "нет данных: показателя нет, об исполнении не сообщено"


@pytest.mark.parametrize("name", ["Мониторинг готовности", "Мониторинг регистрации"])
def test_check_of_the_printed_summary(seen: Seen, name: str) -> None:
    (path,) = (seen.home / "inbox" / "department").glob(f"{name}*")
    (document,) = json.loads(seen.ask("check", path, "--json").stdout)
    assert (document["verdict"], document["rows"]["loaded"], document["rows"]["quarantined"]) == ("accepted", 21, 0)
    notes = [each for each in document["findings"] if each["severity"] == "note"]
    assert [(each["value"], each["expected"]) for each in notes] == [
        ("Бакcharский муниципальный район", "Бакчарский муниципальный район")
    ]
    percents = [each for each in document["findings"] if each["column"] == "completion_rate"]
    assert [each["value"] for each in percents] == (["41%"] if "регистрации" in name else [])
    assert document["rows"]["not_data"] == document["rows"]["read"] - 21


def test_check_names_every_wrong_school_and_its_cell(seen: Seen) -> None:
    region = demo.tomsk()
    names = dict(region.schools.select("school_code", "short_name").iter_rows())
    inbox = seen.home / "inbox"
    reports = [path for unit in region.units["reporting_unit"] for path in (inbox / unit).iterdir()]
    answered = seen.ask("check", *reports, "--json")
    assert answered.returncode == 3
    documents = json.loads(answered.stdout)
    assert len(documents) == 21
    for document in documents:
        rows = document["rows"]
        assert rows["read"] == rows["loaded"] + rows["quarantined"] + rows["not_data"]
        errors = [each for each in document["findings"] if each["severity"] == "error"]
        faults = region.faults.filter(region.faults["reporting_unit"] == document["sender"])
        assert rows["quarantined"] == len(faults)
        for fault in faults.iter_rows(named=True):
            (found,) = [each for each in errors if (each["rule"], each["column"]) == (fault["rule"], fault["column"])]
            assert found["sheet"] and found["cell"].endswith(str(found["row"]))
            assert key(names[fault["school_code"]]) in key(found["message"])


def test_the_same_inbox_again_changes_nothing(seen: Seen) -> None:
    marts = ("readiness_by_municipality", "registration_by_school", "control_totals", "delivery_health")
    before = [seen.ask("mart", name, "--format", "csv").stdout for name in marts]
    again = seen.ask("ingest", seen.home / "inbox", "--json")
    assert again.returncode == 3
    count = seen.ask("db", "psql", "-At", "-c", "SELECT count(*), max(reading_id) FROM ops.reading").stdout
    assert count.strip() == "27|27"
    assert [seen.ask("mart", name, "--format", "csv").stdout for name in marts] == before


def test_bad_files_are_refused_in_words_and_the_rest_is_loaded(
    database_url: str, forks: Forks, tmp_path: Path, password_workbook: Callable[[], bytes]
) -> None:
    region = Seen(tmp_path / "home", database_url, forks)
    inbox = region.home / "inbox"
    demo.write_deliveries(demo.tomsk(), inbox)
    whole = next((inbox / "seversk").iterdir()).read_bytes()
    bad = {
        "asinovsky/оборванный.xlsx": whole[: len(whole) // 2],
        "kedrovy/пустой.xlsx": b"",
        "tomsk_city/под паролем.xlsx": password_workbook(),
        "chainsky/приказ.pdf": b"%PDF-1.7\n1 0 obj\n",
        "shegarsky/другое.csv": "Товар;Цена\nМолоко;80\n".encode("cp1251"),
    }
    for name, content in bad.items():
        (inbox / name).write_bytes(content)
    taken = region.ask("ingest", inbox, "--json")
    assert taken.returncode == 4
    documents = json.loads(taken.stdout)
    refused = {each["file"]: each["findings"][0]["message"] for each in documents if each["verdict"] == "refused"}
    begins = {
        "оборванный.xlsx": "Файл повреждён",
        "пустой.xlsx": "Файл пустой",
        "под паролем.xlsx": "Файл закрыт паролем",
        "приказ.pdf": "Это документ PDF (печатная форма или скан), а не таблица",
        "другое.csv": "Не удалось узнать форму",
    }
    assert refused.keys() == begins.keys()
    assert all(message.startswith(begins[file]) for file, message in refused.items())
    assert sum(each["verdict"] != "refused" for each in documents) == 26
    assert sum(row["accepted"] for row in region.mart("readiness_by_municipality")) == 244


@pytest.fixture
def password_workbook() -> Callable[[], bytes]:
    """The beginning of a workbook under a password: an OLE2 file whose only stream is EncryptedPackage."""

    def made() -> bytes:
        sector = 512
        header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + (0x3E).to_bytes(2, "little")
        header += (3).to_bytes(2, "little") + b"\xfe\xff" + (9).to_bytes(2, "little") + (6).to_bytes(2, "little")
        header += bytes(10) + (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4)
        header += (4096).to_bytes(4, "little") + b"\xfe\xff\xff\xff" + bytes(4) + b"\xfe\xff\xff\xff" + bytes(4)
        header += (0).to_bytes(4, "little") + b"\xff\xff\xff\xff" * 108
        table = b"\xfd\xff\xff\xff" + b"\xfe\xff\xff\xff" + b"\xff\xff\xff\xff" * 126
        entries = entry("Root Entry", 5, child=1) + entry("EncryptedPackage", 2) + bytes(256)
        return header[:sector].ljust(sector, b"\0") + table + entries

    def entry(name: str, kind: int, child: int = 0xFFFFFFFF) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        links = b"\xff\xff\xff\xff" * 2 + child.to_bytes(4, "little")
        return (
            text.ljust(64, b"\0")
            + len(text).to_bytes(2, "little")
            + bytes([kind, 1])
            + links
            + bytes(36)
            + (0xFFFFFFFE).to_bytes(4, "little")
            + bytes(8)
        )

    return made
