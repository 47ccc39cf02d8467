"""The house as `docs` describe it: who imports whom, how large a file is, which versions go together, what is told."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from house import PACKAGES, ROOMS, ROOT, circles, corridors, imports, is_of_a_form, modules, picture, room_of

KEPT_IN = {
    "prefect": "flows",
    "typer": "flows",
    "rich": "flows",
    "sqlalchemy": "warehouse",
    "alembic": "warehouse",
    "psycopg2": "warehouse",
    "pgpq": "warehouse",
    "openpyxl": "documents",
    "xlsxwriter": "documents",
    "pptx": "documents",
    "python_calamine": "documents",
    "fastexcel": "documents",
}
"""Libraries that only one package may import."""
LONGEST_FILE = 350


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_every_room_is_known_and_says_what_it_is() -> None:
    assert {room_of(module) for module in modules()} == {*ROOMS, *PACKAGES}
    told = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in modules().items()}
    assert [module for module, tree in told.items() if not ast.get_docstring(tree)] == []


def test_corridors() -> None:
    """Each import goes along a corridor, and there is no corridor that nobody walks."""
    walked: dict[str, set[str]] = {room: set() for room in ROOMS}
    wrong = []
    for module, other in sorted(corridors()):
        room, there = room_of(module), room_of(other)
        package = there.split(".")[0]
        way = there if package == room.split(".")[0] else package
        if room == there:
            continue
        walked[room].add(way)
        if way not in ROOMS[room].split():
            wrong.append(f"{module} imports {other}")
    assert wrong == []
    assert {room: sorted(set(ways.split()) - walked[room]) for room, ways in ROOMS.items()} == {
        room: [] for room in ROOMS
    }


def test_there_is_no_circle() -> None:
    assert circles(corridors()) == []
    assert (
        circles(
            frozenset((room_of(one), room_of(other)) for one, other in corridors() if room_of(one) != room_of(other))
        )
        == []
    )


def test_a_circle_is_found() -> None:
    assert circles(frozenset({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")})) == [{"a", "b", "c"}]


def test_the_picture_in_contributing_is_that_of_the_house() -> None:
    """`python tests/house.py` draws it."""
    assert picture() in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_no_two_modules_have_one_name() -> None:
    """But `form.py`, which is in the folder of each form."""
    named = Counter(
        module.rpartition(".")[2]
        for module, path in modules().items()
        if path.stem not in ("__init__", "__main__") and not is_of_a_form(module)
    )
    assert [name for name, many in named.items() if many > 1] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_libraries_stay_in_their_package(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {whole}"
        for path in files(package)
        for whole, _ in imports(path)
        if KEPT_IN.get(whole.split(".")[0], package) != package
    ]
    assert wrong == []


def test_flows_hold_no_sql() -> None:
    """An engine comes from the warehouse and goes back to it: flows send no statement of their own."""
    sql = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b.*\b(FROM|SET|VALUES|ops|core|ref|mart)\b")
    wrong = []
    for path in files("flows"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.search(node.value):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.value[:60]}")
    assert [each for each in wrong if "profmin db psql" not in each] == []


def test_only_nightly_flows_import_prefect_at_once() -> None:
    """Everything else works without Prefect, and starts without its two seconds."""
    wrong = []
    for path in files("flows"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {
            name.split(".")[0]
            for node in at_once
            for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        }
        if "prefect" in names and not is_flow(tree):
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def is_flow(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(ast.unparse(decorator).startswith("flow") for decorator in node.decorator_list)
        for node in tree.body
    )


def test_top_level_names_are_ours_alone() -> None:
    """No installed distribution brings a package of one of our names."""
    claimed = importlib.metadata.packages_distributions()
    assert {name: claimed.get(name, ["profmin"]) for name in PACKAGES} == {name: ["profmin"] for name in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_files_stay_small(package: str) -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in files(package)}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def version(distribution: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version(distribution))[:3])


def test_versions_that_go_together() -> None:
    """With SQLAlchemy 2.1, Prefect before 3.9 never schedules a run; with FastAPI 0.155 its server does not import."""
    if version("prefect") < (3, 9):
        assert version("sqlalchemy") < (2, 1)
        assert version("fastapi") < (0, 151)


def commands() -> Iterator[tuple[str, object]]:
    from flows.cli.app import app

    def walk(name: str, command: object) -> Iterator[tuple[str, object]]:
        yield name, command
        for own, each in getattr(command, "commands", {}).items():
            yield from walk(f"{name} {own}", each)

    yield from walk("profmin", typer.main.get_command(app))


def test_migrations_are_one_chain() -> None:
    """Each begins where the one before ends: two made at the same time with one number would stop every upgrade."""
    said = re.compile(r'^(?:down_)?revision(?:: .*)? = (?:"(\d{4})"|None)$', re.MULTILINE)
    before = ""
    for path in sorted((ROOT / "warehouse" / "migrations" / "versions").glob("[0-9]*.py")):
        assert said.findall(path.read_text(encoding="utf-8")) == [path.name[:4], before], path.name
        before = path.name[:4]


def test_each_command_and_option_has_help() -> None:
    silent = []
    for name, command in commands():
        if not getattr(command, "help", None):
            silent.append(name)
        silent += [f"{name} {each.name}" for each in getattr(command, "params", []) if not getattr(each, "help", None)]
    assert silent == []


def test_readme_lists_the_settings() -> None:
    """README has the table that `python -m flows.home.settings_table` prints, as it is now."""
    from flows.home.settings_table import settings_table

    assert settings_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_two_test_modules_have_one_name() -> None:
    """Tests are no package: of two modules of one name pytest takes in the one that it meets first."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


def test_no_machine_paths() -> None:
    """What is written here runs anywhere: no file names a place of the machine on which it was written."""
    place = re.compile(r"(?<![\w.])/(home|root|work|Users)/\w")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in (*PACKAGES, "tests", "benchmarks", "deployments", "docs")
        for path in sorted((ROOT / package).rglob("*"))
        if path.suffix in (".py", ".md", ".sql", ".csv", ".toml", ".yaml")
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if place.search(line)
    ]
    assert wrong == []


@pytest.mark.parametrize("own", [None, "dirty_decay_ms:500"])
def test_how_memory_is_kept_is_said_before_polars_is_loaded(own: str | None) -> None:
    """Polars looks for it only then; what somebody has set himself stays."""
    watching = """
        import os, sys
        class Watch:
            def find_spec(self, name, *_):
                if name == "polars":
                    print(os.environ["_RJEM_MALLOC_CONF"])
                    raise SystemExit
        sys.meta_path.insert(0, Watch())
        import flows.intake.loading
    """
    given = {"_RJEM_MALLOC_CONF": own} if own else {}
    kept = {name: value for name, value in os.environ.items() if name != "_RJEM_MALLOC_CONF"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(watching)], cwd=ROOT, env=kept | given, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == (own or "dirty_decay_ms:10000,muzzy_decay_ms:10000")
