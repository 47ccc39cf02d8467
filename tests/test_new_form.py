"""A form is its folder, its marts and a line in the list: one of another shape than ours is walked all the way."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from forks import Forks
from house import PACKAGES, ROOT

FORM, UNIT = "course_visits", "chainsky"
LAID_OVER = ROOT / "tests" / "new_form"
LISTED = re.compile(r"^FORMS: .*\n(?:    \w+,\n)+", re.MULTILINE)
SCHOOLS = {"690101": "Школа первая", "690102": "Школа вторая"}


class Copy:
    """A copy of the packages in which the form is added, and a home of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PYTHONPATH": str(folder),
            "PROFMIN_HOME": str(folder / ".profmin"),
            "PROFMIN_VOUCHED_CHANNELS": "ingest",
            "PROFMIN_DATABASE_URL": database_url,
        }
        for name in PACKAGES:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(LAID_OVER, folder, dirs_exist_ok=True)
        forms = folder / "contracts" / "forms" / "__init__.py"
        text = LISTED.sub(r"\g<0>    FORM,\n", forms.read_text("utf-8"))
        line = f"from contracts.forms.{FORM}.form import FORM\n"
        forms.write_text(
            text.replace("from contracts.forms.event_plan", f"{line}from contracts.forms.event_plan", 1), "utf-8"
        )
        assert "    FORM,\n" in text

    def versions(self, *words: str, code: int = 0) -> None:
        """`contracts.versions`, which writes into the copy."""
        done = subprocess.run(
            [sys.executable, "-m", "contracts.versions", *words], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"

    def profmin(self, *words: str, codes: tuple[int, ...] = (0, 3)) -> str:
        """A command, by a process that has imported the copy at the first of them."""
        done = self.forks.run(words, self.environment, self.folder)
        assert done.returncode in codes, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout

    @cached_property
    def forks(self) -> Forks:
        return Forks(self.folder.parent, self.folder)


def workbook(path: Path, above: str, rows: list[list[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, above)
        for number, row in enumerate(rows):
            sheet.write_row(1 + number, 0, row)
    return path


def visits(folder: Path, day: str, figures: dict[tuple[str, str], int]) -> Path:
    """The file of a month: (school, course) → visitors."""
    names = {"К-1": "Сварка", "К-2": "Код"}
    rows = [[code, SCHOOLS[code], course, names[course], "Очно", many] for (code, course), many in figures.items()]
    titles: list[object] = ["Код ОО", "Школа", "Код курса", "Курс", "Вид курса", "Посетили, чел."]
    return workbook(folder / UNIT / f"Курсы {day}.xlsx", f"Данные на {day}", [titles, *rows])


@pytest.fixture
def copy(tmp_path: Path, databases: Any, prefect_tables: Path) -> Iterator[Copy]:
    with databases.fresh("template0") as url:
        made = Copy(tmp_path / "profmin", url)
        shutil.copytree(prefect_tables, made.folder / ".profmin" / "prefect")
        yield made
        made.forks.close()


def test_a_form_of_another_shape_is_its_folder(copy: Copy, tmp_path: Path) -> None:
    """Slow: a copy of the project is imported, and works off thirty of our commands."""
    copy.versions("add", "2023", "--from", "0001-01-01", "--what", "Новая форма.", "--only", FORM, code=1)
    copy.versions("add", "9999", "--from", "2023-08-01", "--what", "Классы.", "--only", "rule_classes")
    register: list[list[object]] = [["Код ОО", "Краткое наименование", "Территория", "Подчинение"]]
    register += [
        [code, name, "Чаинский муниципальный район", "Чаинский муниципальный район"] for code, name in SCHOOLS.items()
    ]
    workbook(tmp_path / "department" / "Реестр школ 01.09.2023.xlsx", "на 01.09.2023", register)
    september = visits(tmp_path, "30.09.2023", {("690101", "К-1"): 10, ("690102", "К-1"): 4, ("690102", "К-2"): 0})

    template = tmp_path / "template.xlsx"
    copy.profmin("template", FORM, "--sender", UNIT, "--as-of", "2023-09-30", "--to", str(template))
    assert template.exists()
    (checked,) = json.loads(copy.profmin("check", str(september), "--json"))
    assert (checked["form"], checked["verdict"], checked["as_of"]) == (FORM, "partial", "2023-09-30")
    assert "CRS-001" in [finding["rule"] for finding in checked["findings"]]

    copy.profmin("ingest", str(tmp_path / "department"), str(september))
    october = visits(tmp_path / "second", "31.10.2023", {("690101", "К-1"): 7})
    copy.profmin("ingest", str(october))

    def row(*words: str) -> dict[str, object]:
        rows = json.loads(copy.profmin("mart", "course_visits_by_unit", "--format", "json", *words))
        return next(each for each in rows if each["reporting_unit"] == UNIT)

    last = row("--as-of", "2023-10-31")
    assert (last["months"], last["visitors"], last["band"]) == (2, 21, "green"), "both months count"
    assert (row("--as-of", "2023-09-30")["months"], row("--as-of", "2023-09-30")["visitors"]) == (1, 14)
    known_at = dt.datetime.now(dt.UTC).isoformat()

    mended = visits(
        tmp_path / "third", "30.09.2023", {("690101", "К-1"): 12, ("690102", "К-1"): 4, ("690102", "К-2"): 3}
    )
    copy.profmin("ingest", str(mended))
    assert row("--as-of", "2023-10-31")["visitors"] == 26
    assert row("--as-of", "2023-10-31", "--known-at", known_at)["visitors"] == 21, "as it was known then"
    corrected = copy.profmin("mart", "corrections", "--as-of", "2023-09-30", "--format", "csv")
    assert f"visitors,Посещений,unit,{UNIT},Чаинский муниципальный район,{UNIT},14,19,5," in corrected

    rate = json.loads(copy.profmin("mart", "reporting_rate", "--as-of", "2023-10-31", "--format", "json"))
    mine = {each["sender"]: each for each in rate if each["form"] == FORM}
    assert (mine[UNIT]["missing"], mine["asinovsky"]["missing"]) == (0, 1), "September is owed in October"
    named = copy.profmin("mart", "rule_failures", "--as-of", "2023-09-30", "--format", "csv")
    assert "CRS-001" not in named, "the rule that was broken is kept by the mended file"

    receipt = tmp_path / "receipt.xlsx"
    copy.profmin("receipt", september.name, "--to", str(receipt))
    assert receipt.exists()
    status = json.loads(copy.profmin("status", "--json"))
    assert FORM in json.dumps(status)
    assert FORM in copy.profmin("incidents", "--json"), "others owe September"

    why = "Новая форма проверяется целиком"
    copy.profmin("backfill", "plan", "--form", FORM, "--from", "2023-09-01", "--to", "2023-10-31", "--reason", why)
    (planned,) = json.loads(copy.profmin("backfill", "list", "--json"))
    number = str(planned["backfill_id"])
    copy.profmin("backfill", "apply", number)
    copy.profmin("backfill", "revert", number)
    assert row("--as-of", "2023-10-31")["visitors"] == 26
    copy.profmin("run", "nightly", "--as-of", "2023-10-31", codes=(0, 3, 4))
    assert row("--as-of", "2023-10-31")["visitors"] == 26
