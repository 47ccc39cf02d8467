"""Bring Superset to what the bundle says: its own tables, the datasets, charts and dashboards, a role a dashboard, an
account a login. Runs in Superset's environment: `python load.py BUNDLE`; `superset.sh load` does it all.

Prints `account,password` of each account that it makes; of those that are there it changes the roles alone.
"""

from __future__ import annotations

import csv
import logging
import os
import secrets
import subprocess
import sys
import zipfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

HOME = Path(os.environ["PROFMIN_SUPERSET_HOME"]).absolute()
KEEPER = "profmin"
"""The account to which what is imported belongs; nobody enters with it, its password is thrown away."""
PROFMIN = "Профминимум"
GAMMA = "Gamma"
"""Superset's own role of readers, who may open charts and make their own."""
SLUG = "profmin-"
"""How the addresses of our dashboards begin; the rest names the dashboard."""


def prepare() -> None:
    """The folder, for its owner alone, with a secret and the list of logins."""
    os.umask(0o077)
    HOME.mkdir(parents=True, exist_ok=True)
    for name, content in (("secret_key", secrets.token_urlsafe(48)), ("logins.csv", "login,dashboard,password\n")):
        if not (HOME / name).exists():
            (HOME / name).write_text(content, encoding="utf-8")


def superset(*arguments: str) -> None:
    """A command of Superset. Raises CalledProcessError with what it said on standard error."""
    command = Path(sys.executable).parent / "superset"
    subprocess.run([command, *arguments], check=True, stdout=subprocess.DEVNULL)


def bring(bundle: Path) -> None:
    """Import the bundle and give roles and accounts, all in one transaction."""
    from superset.app import create_app

    with redirect_stdout(sys.stderr):  # it says there which configuration it has read
        app = create_app()
    logging.getLogger("superset").setLevel(logging.ERROR)  # of each dataset: nobody is asked whether its table is there
    with app.app_context():
        from flask import g
        from superset import db, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.models.dashboard import Dashboard

        keeper = _account(security_manager, KEEPER, [security_manager.find_role("Admin")])
        g.user = keeper
        with zipfile.ZipFile(bundle) as packed:
            ImportAssetsCommand(
                {name.partition("/")[2]: packed.read(name).decode() for name in packed.namelist()}
            ).run()
        roles = {}
        for dashboard in db.session.query(Dashboard).filter(Dashboard.slug.startswith(SLUG)):
            role = security_manager.add_role(dashboard.slug.removeprefix(SLUG))
            role.permissions = [_sees_marts(security_manager, dashboard)]
            dashboard.roles = [role]
            roles[role.name] = role
        for row in _logins():
            if row["dashboard"] not in roles:
                sys.exit(f"logins.csv: {row['login']}: no dashboard is named {row['dashboard']!r}: {', '.join(roles)}")
            _account(security_manager, row["login"], [security_manager.find_role(GAMMA), roles[row["dashboard"]]])
        db.session.commit()


def _logins() -> list[dict[str, str]]:
    with (HOME / "logins.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _sees_marts(security_manager: Any, dashboard: Any) -> Any:
    """The right to all datasets of the schema of marts; which rows, the database says."""
    dataset = dashboard.slices[0].table
    return security_manager.add_permission_view_menu("schema_access", dataset.schema_perm)


def _account(security_manager: Any, name: str, roles: list[Any]) -> Any:
    """The account of a name with these roles and no others; a new one's password is printed."""
    account = security_manager.find_user(name)
    if account is not None:
        account.roles = roles
        security_manager.update_user(account)
        return account
    password = secrets.token_urlsafe(18)
    account = security_manager.add_user(name, name, PROFMIN, f"{name}@example.invalid", roles, password=password)
    if not account:
        sys.exit(f"Superset made no account {name}; its log above says why")
    if name != KEEPER:
        print(f"{name},{password}", flush=True)  # noqa: T201
    return account


if __name__ == "__main__":
    prepare()
    superset("db", "upgrade")
    superset("init")
    bring(Path(sys.argv[1]))
