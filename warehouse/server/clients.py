"""Postgres's own programs on a database: which one fits, and how it hears where to go without showing a secret.

They are told what our driver would be told, so that whatever a URL says (TLS, several hosts, odd signs) means the same
to both. Arguments of a process are for everybody on the machine to read, its environment and a closed file are not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2.extensions
from sqlalchemy import Engine, text

from warehouse.server.programs import ServerError, binaries_of_wheel

SECRETS = ("sslpassword", "oauth_client_secret")
"""Words of a connection, besides the password, that libpq itself does not show (PQconninfoOption.dispchar)."""
NEEDED = ("HOME", "PATH", "TMPDIR", "KRB5CCNAME", "KRB5_CONFIG")
"""What the programs need of our environment, besides libpq's own variables; certificates may lie in the home."""
SERVER = """
SELECT current_setting('server_version_num')::int / 10000,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
"""
REFUSED_SETTINGS = (b"SET transaction_timeout = 0;\n",)
"""What pg_restore 17 and newer begins with and an older server does not know."""


@dataclass(frozen=True)
class Server:
    """The major version of a server, and whether our connection to it is encrypted."""

    major: int
    encrypted: bool


def server_of(engine: Engine) -> Server:
    """Asks the server that an engine leads to."""
    with engine.connect() as connection:
        row = connection.execute(text(SERVER)).one()
    return Server(row[0], row[1])


@contextmanager
def connection_words(engine: Engine) -> Iterator[tuple[str, dict[str, str]]]:
    """The connection string for a program, and what to add to its environment: there is what is secret."""
    _, arguments = engine.dialect.create_connect_args(engine.url)
    keywords = {name: str(value) for name, value in arguments.items()}
    environment = {}
    if (password := keywords.pop("password", None)) is not None:
        environment["PGPASSWORD"] = password
    secrets = {name: keywords.pop(name) for name in SECRETS if name in keywords}
    if not secrets:
        yield psycopg2.extensions.make_dsn(**keywords), environment
        return
    if "service" in keywords:
        raise ServerError(f"{', '.join(secrets)} belongs into the file of the service that the URL names")
    with tempfile.NamedTemporaryFile("w", prefix="profmin-", suffix=".conf") as file:  # closed to others
        file.write("[profmin]\n" + "".join(f"{name}={value}\n" for name, value in secrets.items()))
        file.flush()
        yield psycopg2.extensions.make_dsn(service="profmin", **keywords), environment | {"PGSERVICEFILE": file.name}


def run(name: str, engine: Engine, arguments: Sequence[str]) -> None:
    """Run one of Postgres's programs on a database until it ends. Raises ServerError with the first line it said."""
    program = program_for(name, server_of(engine))
    with connection_words(engine) as (target, secrets):
        done = subprocess.run(
            [program, "--no-password", *arguments, f"--dbname={target}"],
            env=_clean_environment() | secrets,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise _failure(name, done.stderr, done.returncode)


def run_script(engine: Engine, maker: Sequence[str | Path]) -> None:
    """Run the script that a program writes, wholly or not at all, less what this older server does not know.

    Raises ServerError.
    """
    psql = program_for("psql", server_of(engine))
    options = ["--no-password", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--file=-"]
    with connection_words(engine) as (target, secrets), tempfile.TemporaryFile() as errors:
        with (
            subprocess.Popen(maker, env=_clean_environment(), stdout=subprocess.PIPE, stderr=errors) as making,
            subprocess.Popen(
                [psql, *options, f"--dbname={target}"],
                env=_clean_environment() | secrets, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors,
            ) as running,
        ):  # fmt: skip
            with suppress(BrokenPipeError):  # psql has given up and said why
                _hand_over(making, running)
            making.stdout.close()  # type: ignore[union-attr]
            if making.wait():
                running.kill()  # before it sees an end of the script, at which it would commit
            with suppress(BrokenPipeError):
                running.stdin.close()  # type: ignore[union-attr]
        if code := making.returncode or running.returncode:
            errors.seek(0)
            raise _failure(Path(maker[0]).name, errors.read().decode(errors="replace"), code)


def _hand_over(making: subprocess.Popen[bytes], running: subprocess.Popen[bytes]) -> None:
    """Copy the script; what is left out stands before its first COPY, where a line of data cannot look like it."""
    script, to = making.stdout, running.stdin
    if script is None or to is None:
        raise TypeError("the pipes were not asked for")
    for line in script:
        if line not in REFUSED_SETTINGS:
            to.write(line)
        if line.startswith(b"COPY "):
            break
    shutil.copyfileobj(script, to, 1 << 20)
    to.flush()


def _failure(name: str, output: str, code: int) -> ServerError:
    """The error of a program that ended with a code, with the first line of its output."""
    first_line = (output.strip().splitlines() or [f"exit code {code}"])[0]
    return ServerError(f"{name} failed: {first_line}")


def _clean_environment() -> dict[str, str]:
    """Of our environment what concerns libpq, and nothing that may be secret to others."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("PG") or name in NEEDED}
    return {"PATH": os.defpath} | variables | {"LC_ALL": "C"}


def program_for(name: str, server: Server) -> Path:
    """The program of the server's own version, else the next newer one. Raises ServerError when there is none."""
    return programs_for(name, server)[0]


def programs_for(name: str, server: Server) -> list[Path]:
    """The programs of the server's own version and of newer ones, the older first. Raises ServerError when there is
    none.

    Those of the package do not know TLS: where our connection is encrypted, so has to be theirs.
    """
    by_version = programs(name, encrypted=server.encrypted)
    fitting = [version for version in sorted(by_version) if version >= server.major]
    if not fitting:
        available = ", ".join(str(version) for version in sorted(by_version)) or "none"
        which = "which knows TLS " if server.encrypted else ""
        raise ServerError(
            f"the server is Postgres {server.major}; {name} of that version {which}is needed, there is: {available} "
            "(install the server's client programs, postgresql-client)"
        )
    return [by_version[version] for version in fitting]


def psql_for(server: Server) -> Path:
    """psql of the server's version or a newer one, else the newest there is. Raises ServerError when there is none."""
    by_version = programs("psql", encrypted=server.encrypted)
    return by_version[max(by_version)] if by_version and max(by_version) < server.major else program_for("psql", server)


def programs(name: str, *, encrypted: bool) -> dict[int, Path]:
    """Version → program: of this machine, else of the package."""
    places = []
    with suppress(ServerError):  # the package of the embedded server need not be there beside a server of one's own
        places = [] if encrypted else [binaries_of_wheel() / name]
    if ours := shutil.which(name):
        places.append(Path(ours))
    return {version_of(path): path for path in places if path.exists()}


def version_of(program: Path) -> int:
    """The major version of one of Postgres's programs; 0 when it tells none."""
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)", output)
    return int(number.group(1)) if number else 0
