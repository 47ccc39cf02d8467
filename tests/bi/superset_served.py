"""A real Superset over a real region: the demo's, in a home of its own, whose server listens for logins of BI."""

from __future__ import annotations

import csv
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PROFMIN = ROOT / ".venv" / "bin" / "profmin"
SCRIPT = ROOT / "deployments" / "superset" / "superset.sh"
CSRF = re.compile(r'id="csrf_token"\s+value="([^"]+)"')
PATIENCE = 120
"""Seconds until Superset answers."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Bundle:
    """Superset's home and the region's, with the environment of both; `accounts`: name → password in Superset."""

    home: Path
    environment: dict[str, str]
    accounts: dict[str, str] = field(default_factory=dict)

    def profmin(self, *arguments: str) -> str:
        told = subprocess.run(
            [PROFMIN, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=500
        )
        assert told.returncode == 0, told.stderr
        return told.stdout

    def allow(self, login: str, dashboard: str, *what: str) -> None:
        """A login of Postgres, and its line in the list of Superset's logins."""
        password = self.profmin("access", "grant", login, *what).strip()
        listed = self.home / "logins.csv"
        if not listed.exists():
            listed.write_text("login,dashboard,password\n", encoding="utf-8")
        with listed.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([login, dashboard, password])

    def load(self) -> list[str]:
        """The one command; the names of the accounts that it has made."""
        told = subprocess.run(
            [SCRIPT, "load"], env=self.environment, capture_output=True, text=True, check=False, timeout=550
        )
        assert told.returncode == 0, told.stderr[-3000:]
        made = dict(line.split(",") for line in told.stdout.splitlines())
        self.accounts |= made
        return list(made)

    @contextmanager
    def served(self, **environment: str) -> Iterator[str]:
        """Its address while it answers."""
        address = f"127.0.0.1:{free_port()}"
        log = (self.home / "serve.log").open("wb")
        served = subprocess.Popen(
            [SCRIPT, "serve"],
            env={**self.environment, "SUPERSET_ADDRESS": address, **environment},
            stdout=log,
            stderr=log,
        )
        try:
            until = time.monotonic() + PATIENCE
            while not answers(f"http://{address}/health"):
                assert served.poll() is None, (self.home / "serve.log").read_text(encoding="utf-8")[-3000:]
                assert time.monotonic() < until, "Superset does not answer"
                time.sleep(0.5)
            yield f"http://{address}"
        finally:
            served.terminate()
            served.wait(30)
            log.close()

    def reader(self, address: str, name: str) -> Reader:
        """Somebody who has entered with his account, as a browser does."""
        client = httpx.Client(base_url=address, timeout=120, headers={"Referer": address})
        found = CSRF.search(client.get("/login/").raise_for_status().text)
        assert found is not None
        client.headers["X-CSRFToken"] = found[1]
        form = {"username": name, "password": self.accounts[name], "csrf_token": found[1]}
        entered = client.post("/login/", data=form)
        assert "/login" not in entered.headers["location"], f"{name} may not enter"
        return Reader(client)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@dataclass
class Reader:
    """Somebody who asks Superset's API."""

    client: httpx.Client

    def datasets(self) -> dict[str, int]:
        """Name of each dataset that he sees → its number there."""
        found: dict[str, int] = {}
        for page in range(5):
            query = f"(page:{page},page_size:100,columns:!(id,table_name))"
            told = self.client.get("/api/v1/dataset/", params={"q": query}).raise_for_status().json()["result"]
            found |= {each["table_name"]: each["id"] for each in told}
        return found

    def asked(self, dataset: int, **query: Any) -> httpx.Response:
        """What a chart of today's kinds gets."""
        body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_type": "full"}
        return self.client.post("/api/v1/chart/data", json=body)

    def rows(self, dataset: int, **query: Any) -> tuple[list[dict[str, Any]], bool]:
        """(rows of a chart, whether they are out of the cache)."""
        (result,) = self.asked(dataset, **query).raise_for_status().json()["result"]
        return result["data"], bool(result["is_cached"])


@contextmanager
def region_listening(home: Path, superset: Path, venv: str) -> Iterator[Bundle]:
    """The demo's region, two nights, whose server listens."""
    port = free_port()
    environment = os.environ | {
        "PROFMIN_HOME": str(home),
        "PROFMIN_PG_LISTEN": f"127.0.0.1:{port}",
        "PROFMIN_SUPERSET_HOME": str(superset),
        "PROFMIN_SUPERSET_VENV": venv,
        "PROFMIN_BI_DATABASE": f"127.0.0.1:{port}/profmin",
        "PROFMIN": str(PROFMIN),
    }
    superset.mkdir(parents=True)
    bundle = Bundle(superset, environment)
    bundle.profmin("demo")
    held = subprocess.Popen([PROFMIN, "db", "psql"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield bundle
    finally:
        held.communicate(b"\\q\n", timeout=60)
