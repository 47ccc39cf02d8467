"""`profmin access …` as people start it: what a login sees, what becomes of it, and a password that is typed.

Slow: a region is taken in first, and every mart is counted twice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.home.settings import Settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]
OWN, NEIGHBOUR = "asinovsky", "molchanovsky"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def role(region_engine: sa.Engine) -> Iterator[str]:
    """A name that no role of the server has, which other workers use too; whoever has got it is gone afterwards."""
    name = f"clerk_{os.getpid()}"
    yield name
    with region_engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM ref.access WHERE login = :name"), {"name": name})
        connection.execute(sa.text(f"DROP ROLE IF EXISTS {name}"))


def roles(engine: sa.Engine, name: str) -> list[str | None]:
    """What the server keeps of the password of a role of this name."""
    with engine.connect() as connection:
        statement = sa.text("SELECT rolpassword FROM pg_authid WHERE rolname = :name")
        return list(connection.scalars(statement, {"name": name}))


def test_a_clerk_is_shown_what_he_sees_and_loses_it_unit_by_unit(
    profmin: Run, region: Settings, region_engine: sa.Engine, role: str
) -> None:
    for unit in (OWN, NEIGHBOUR):
        granted = profmin("access", "grant", role, "--region", "69", "--unit", unit, settings=region)
        assert granted.returncode == 0, granted.stderr
    told = profmin("access", "test", role, "--json", settings=region)
    seen = {each["mart"]: each for each in json.loads(told.stdout)}
    assert (seen["readiness_by_school"]["rows"], seen["readiness_by_school"]["of"]) == (20, 285)
    assert seen["readiness_by_school"]["units"] == [OWN, NEIGHBOUR]
    assert (seen["readiness_region"]["rows"], seen["partners"]["rows"], seen["assignments"]["rows"]) == (1, 0, 0)
    lines = profmin("access", "test", role, settings=region).stdout.splitlines()
    (schools,) = (line.split() for line in lines if line.startswith("readiness_by_school "))
    assert schools[1:] == ["20", "285", "69", f"{OWN},", NEIGHBOUR]

    less = profmin("access", "revoke", role, "--region", "69", "--unit", NEIGHBOUR, settings=region)
    assert (less.returncode, "sees less now" in less.stderr) == (0, True)
    told = profmin("access", "test", role, "--json", settings=region)
    assert {each["mart"]: each["units"] for each in json.loads(told.stdout)}["readiness_by_school"] == [OWN]
    again = profmin("access", "revoke", role, "--region", "69", "--unit", NEIGHBOUR, settings=region)
    assert (again.returncode, f"{role} may see no such thing" in again.stderr) == (2, True)

    gone = profmin("access", "revoke", role, settings=region)
    assert (gone.returncode, f"The login {role} has gone." in gone.stderr, roles(region_engine, role)) == (0, True, [])
    nobody = profmin("access", "test", role, settings=region)
    assert (nobody.returncode, f"there is no role {role}" in nobody.stderr) == (2, True)
    assert role not in profmin("access", "list", settings=region).stdout


def test_what_cannot_be_is_said_in_a_sentence(profmin: Run, region: Settings, role: str) -> None:
    for arguments, said in (
        (("grant", role, "--region", "69", "--unit", "atlantis"), "region 69 has no unit 'atlantis'"),
        (("grant", role, "--region", "99"), "99"),
        (("grant", "Clerk-1", "--region", "69"), "no plain name of a role"),
        (("grant", "postgres", "--country"), "is there for something else"),
        (("revoke", role, "--unit", OWN), "a unit is of a region"),
    ):
        told = profmin("access", *arguments, settings=region)
        assert (told.returncode, said in told.stderr) == (2, True), told


def test_a_password_is_typed_twice_and_never_shown(region: Settings, region_engine: sa.Engine, role: str) -> None:
    arguments = ["grant", role, "--region", "69", "--unit", OWN, "--ask-password"]
    code, shown = typed(region, arguments, ["Long enough 1", "Long enough 2", "Correct horse", "Correct horse"])
    assert (code, "do not match" in shown, f"{role} sees region 69, unit {OWN}" in shown) == (0, True, True)
    assert "enough" not in shown and "horse" not in shown and "shown once" not in shown
    (kept,) = roles(region_engine, role)
    assert is_of(kept, "Correct horse") and not is_of(kept, "Long enough 1")


def typed(settings: Settings, arguments: list[str], answers: list[str]) -> tuple[int, str]:
    """(exit code, all that was said) of a command without a terminal, which reads its answers where one would be."""
    assert settings.database_url is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT_"))}
    environment |= {
        "PROFMIN_HOME": str(settings.home), "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value(),
    }  # fmt: skip
    command = [sys.executable, "-m", "flows.cli.app", "access", *arguments]
    told = subprocess.run(
        command, env=environment, cwd=ROOT, input="".join(f"{answer}\n" for answer in answers), timeout=90,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, check=False,
    )  # fmt: skip
    return told.returncode, told.stdout


def is_of(verifier: str | None, password: str) -> bool:
    """Is what a server keeps of a password (RFC 5802) of this one?"""
    assert verifier is not None
    scheme, iterations, keys = verifier.split("$")
    assert scheme == "SCRAM-SHA-256"
    count, salt = iterations.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(count))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest() == base64.b64decode(keys.split(":")[0])
