"""A Postgres for the tests, and a fresh database for whoever asks.

The server is that of PROFMIN_TEST_DATABASE_URL (a role there may create databases), else the embedded one, shared by
all workers of the session. Each database is a copy of a template that was brought up to date once.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from changing import Inputs, forget
from left_behind import watched
from tiers import (
    pytest_collection_modifyitems,
    pytest_runtest_logreport,
    pytest_terminal_summary,
    pytest_xdist_auto_num_workers,
)

from flows.service.prefect_tables import DATABASE, begin_with, make
from warehouse.marts.bringing_up import lay_out
from warehouse.schema.upgrade import connect, upgrade

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_runtest_logreport",
    "pytest_terminal_summary",
    "pytest_xdist_auto_num_workers",
]
"""Hooks for pytest, which looks for them here."""

MEMORY, ROOM = Path("/dev/shm"), 4 << 30
"""Where the server's folder lies when there is room: a database is made there in a tenth of the time."""
SERVER_FOLDER = "TESTS_SERVER_FOLDER"
WATCHER = pytest.StashKey[subprocess.Popen[bytes]]()
HOLD = """
import sys
from pathlib import Path
from warehouse.server.embedded import embedded_server
with embedded_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class Databases:
    """Databases on one server, made from one template for each session of tests."""

    def __init__(self, server_url: str, session: str) -> None:
        self.server = sa.make_url(server_url).set(drivername="postgresql+psycopg2")
        self.template = f"profmin_template_{session}"
        self.admin = sa.create_engine(self.server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def forget_safety(self) -> None:
        """Let the server not wait for the disk: what it holds does not outlive the session. Nor does it vacuum by
        itself: how a question is executed would then hang on when it came by."""
        with self.admin.connect() as connection:
            connection.execute(sa.text("ALTER SYSTEM SET fsync = off"))
            connection.execute(sa.text("ALTER SYSTEM SET full_page_writes = off"))
            connection.execute(sa.text("ALTER SYSTEM SET autovacuum = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Keep the template for as long as some worker of the session needs it."""
        with self.admin.connect() as connection:
            lock = {"key": self.template}
            connection.execute(sa.text("SELECT pg_advisory_lock(hashtext(:key), 1)"), lock)
            connection.execute(sa.text("SELECT pg_advisory_lock_shared(hashtext(:key), 2)"), lock)
            exists = "SELECT count(*) FROM pg_database WHERE datname = :key"
            if not connection.scalar(sa.text(exists), lock):
                connection.execute(sa.text(f"CREATE DATABASE {self.template} TEMPLATE template0"))
                engine = connect(self.url(self.template))
                upgrade(engine, afterwards=lay_out)
                engine.dispose()
            connection.execute(sa.text("SELECT pg_advisory_unlock(hashtext(:key), 1)"), lock)
            yield
            connection.execute(sa.text("SELECT pg_advisory_unlock_shared(hashtext(:key), 2)"), lock)
            if connection.scalar(sa.text("SELECT pg_try_advisory_lock(hashtext(:key), 2)"), lock):
                ours = sa.text("SELECT datname FROM pg_database WHERE starts_with(datname, :key)")
                for name in connection.scalars(ours, lock).all():
                    with suppress(sa.exc.DBAPIError):  # a worker that comes late makes it anew
                        connection.execute(sa.text(f"DROP DATABASE {name}"))

    def kept(self, name: str, fill: Callable[[sa.Engine], object], on: str | None = None) -> str:
        """A template that is filled once for all workers of the session, on top of another; it begins with the other's
        name.

        To be asked for by fixtures of the session alone: what a test changes would go into it.
        """
        template = f"{on or self.template}_{name}"
        with self.admin.connect() as connection:
            lock = {"key": template}
            connection.execute(sa.text("SELECT pg_advisory_lock(hashtext(:key), 1)"), lock)
            if not connection.scalar(sa.text("SELECT count(*) FROM pg_database WHERE datname = :key"), lock):
                with self.fresh(on) as url:
                    engine = connect(url)
                    fill(engine)
                    engine.dispose()
                    copied = sa.make_url(url).database
                    connection.execute(sa.text(f"CREATE DATABASE {template} TEMPLATE {copied} STRATEGY FILE_COPY"))
            connection.execute(sa.text("SELECT pg_advisory_unlock(hashtext(:key), 1)"), lock)
        return template

    @contextmanager
    def fresh(self, template: str | None = None) -> Iterator[str]:
        """The URL of a new database; `template` is another than that of the session, such as template0."""
        name = f"profmin_test_{uuid4().hex[:12]}"
        with self.admin.connect() as connection:
            connection.execute(
                sa.text(f"CREATE DATABASE {name} TEMPLATE {template or self.template} STRATEGY FILE_COPY")
            )
            if template != "template0":  # rights on a database do not come with its copy
                connection.execute(sa.text(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"))
        try:
            yield self.url(name)
        finally:
            with self.admin.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))

    def url(self, name: str) -> str:
        return self.server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def embedded(pgdata: Path) -> Iterator[str]:
    """The URL of an embedded server. A process of its own holds it, so that tests of the server find none held here."""
    command = [sys.executable, "-c", HOLD, str(pgdata)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin
        assert holder.stdout
        try:
            yield holder.stdout.readline().strip()
        finally:
            holder.stdin.close()


def pytest_configure(config: pytest.Config) -> None:
    """Whatever ends this process, nothing that it started outlives it. The server's folder is the first one's."""
    made = None
    if "PYTEST_XDIST_WORKER" not in os.environ:
        has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
        made = Path(tempfile.mkdtemp(prefix="profmin-tests-", dir=MEMORY if has_room else None))
        os.environ[SERVER_FOLDER] = str(made)
    config.stash[WATCHER] = watched(made)


@pytest.fixture(scope="session", autouse=True)
def _watched_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Processes at work in the temporary folders of this session are ended with it as well."""
    to_watcher = pytestconfig.stash[WATCHER].stdin
    assert to_watcher
    to_watcher.write(f"{tmp_path_factory.getbasetemp()}\n".encode())
    to_watcher.flush()


@pytest.fixture(scope="session")
def prefect_tables() -> Path:
    """A home of Prefect with the tables of its server, to be copied; made once for all workers."""
    home = Path(os.environ[SERVER_FOLDER], "prefect")
    home.mkdir(exist_ok=True)
    with (home.parent / "prefect.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        begin_with(home)
        if not (home / DATABASE).exists():
            make(home / DATABASE)
    return home


@pytest.fixture
def inputs(tmp_path: Path) -> Iterator[Inputs]:
    """The inputs of the contracts, to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        yield Inputs(tmp_path / "contracts", patch)
    forget()


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:12]
    with ExitStack() as stack:
        server = os.environ.get("PROFMIN_TEST_DATABASE_URL")
        found = Databases(server or stack.enter_context(embedded(Path(os.environ[SERVER_FOLDER], "pgdata"))), session)
        if not server:
            found.forget_safety()
        stack.enter_context(found.prepared())
        yield found


@pytest.fixture
def database_url(databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a new database that is up to date.

    It holds what the fixtures `…_kept` of the test say: of several the one that stands on the others.
    """
    kept = [request.getfixturevalue(name) for name in request.fixturenames if name.endswith("_kept")]
    with databases.fresh(max(kept, key=len, default=None)) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(databases: Databases) -> Iterator[str]:
    """The same, shared by the tests of a module."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on `database_url`."""
    found = connect(database_url)
    yield found
    found.dispose()
