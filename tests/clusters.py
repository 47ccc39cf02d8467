"""Servers of Postgres as others run them: with passwords, with TLS, older, in another encoding."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from post import free_port

from warehouse.server.programs import account_for, binaries_of_wheel

OURS = binaries_of_wheel()
"""Programs of the package, which know no TLS."""


@dataclass(frozen=True)
class Cluster:
    """A running server: its superuser's URL over the socket, which asks for nothing, and the port on loopback."""

    admin: str
    port: int
    folder: Path

    def url(self, user: str, password: str | None, database: str, **query: str) -> str:
        """The URL of a login over TCP."""
        made = sa.URL.create("postgresql+psycopg2", user, password, "127.0.0.1", self.port, database, query)
        return made.render_as_string(hide_password=False)

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        engine = sa.create_engine(
            sa.make_url(self.admin).set(database=database), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


@contextmanager
def cluster(
    binaries: Path = OURS, *, tls: bool = False, initdb: Sequence[str] = (), settings: Sequence[str] = ()
) -> Iterator[Cluster]:
    """A server of its own that asks for a password (scram-sha-256) whoever comes over TCP, with `tls` only by TLS;
    its certificate then signs itself and lies in the folder as `server.crt`."""
    folder = Path(tempfile.mkdtemp(prefix="profmin-cluster-"))
    try:
        data = _made(
            folder, binaries / "initdb", "-U", "postgres", "--auth=trust", "--no-sync",
            *(initdb or ("--encoding=UTF8", "--locale=C")),
        )  # fmt: skip
        kind = "hostssl" if tls else "host"
        hba = ("local all,replication postgres trust", f"{kind} all all 127.0.0.1/32 scram-sha-256", "")
        (data / "pg_hba.conf").write_text("\n".join(hba))
        if tls:
            account = account_for(data)
            certify(data, account.user, account.group)
        with _running(folder, binaries, [*settings, *(["ssl=on"] if tls else [])]) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@contextmanager
def standby(of: Cluster, binaries: Path = OURS) -> Iterator[Cluster]:
    """A streaming replica of a server, which only reads until it is promoted; it has begun to follow."""
    folder = Path(tempfile.mkdtemp(prefix="profmin-standby-"))
    try:
        admin = sa.make_url(of.admin)
        _made(
            folder, binaries / "pg_basebackup", "-h", str(of.folder), "-p", str(of.port), "-U", str(admin.username),
            "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        )  # fmt: skip
        with _running(folder, binaries, ["hot_standby_feedback=on"]) as made:
            engine = sa.create_engine(made.admin, poolclass=sa.NullPool)
            of.run("SELECT txid_current()")
            has_it = sa.text("SELECT pg_last_xact_replay_timestamp() IS NOT NULL")
            until = time.monotonic() + 300
            with engine.connect() as connection:
                while not connection.scalar(has_it):
                    assert time.monotonic() < until, (folder / "log").read_text()
                    time.sleep(0.05)
            yield made
    finally:
        shutil.rmtree(folder)


def _made(folder: Path, program: Path, *arguments: str) -> Path:
    """The data folder that a program makes, as the account that runs the server."""
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o700)
    account = account_for(data)
    if account.user is not None:
        os.chown(data, account.user, account.group or 0)
    assert _started(folder, program, *arguments).wait() == 0, (folder / "log").read_text()
    return data


def _started(folder: Path, program: Path, *arguments: str) -> subprocess.Popen[bytes]:
    account = account_for(folder / "data")
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [program, "-D", folder / "data", *arguments],
            cwd=folder, env={"LC_ALL": "C", "PATH": os.defpath}, stdout=log, stderr=log, start_new_session=True,
            user=account.user, group=account.group, extra_groups=None if account.user is None else [],
        )  # fmt: skip


@contextmanager
def _running(folder: Path, binaries: Path, settings: Sequence[str]) -> Iterator[Cluster]:
    data, port = folder / "data", free_port()
    options = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=.", "fsync=off", *settings]
    server = _started(folder, binaries / "postgres", *(part for option in options for part in ("-c", option)))
    admin = sa.URL.create(
        "postgresql+psycopg2", "postgres", database="postgres", query={"host": str(data), "port": str(port)}
    )
    try:
        until = time.monotonic() + 300
        while True:
            try:
                psycopg2.connect(host=str(data), port=port, user="postgres", dbname="postgres").close()
                break
            except psycopg2.OperationalError:
                assert server.poll() is None and time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
        yield Cluster(admin.render_as_string(), port, data)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def certify(folder: Path, user: int | None, group: int | None) -> None:
    """Lay a key and a certificate for 127.0.0.1 that signs itself into a server's folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "profmin test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    contents = {
        "server.crt": certificate.public_bytes(pem),
        "server.key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    }
    for file, content in contents.items():
        (folder / file).write_bytes(content)
        (folder / file).chmod(0o600)
        if user is not None:
            os.chown(folder / file, user, group or 0)


def programs_with_tls() -> Path | None:
    """The newest server of this machine that knows TLS, such as Debian's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))
    return found[-1] if found and (found[-1] / "postgres").exists() else None
