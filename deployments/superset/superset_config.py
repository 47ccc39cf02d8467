"""Superset's configuration (6.1): each reader asks Postgres with a login of his own, and is answered from no other's
cache. Rows are kept apart by the database's policies (`profmin access`); Superset has no rules of its own for them.

Needs in the environment PROFMIN_SUPERSET_HOME, the folder of what Superset keeps, and PROFMIN_BI_DATABASE, where the
marts are: `host:port/database`.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from flask import g, has_app_context
from flask_caching.backends import FileSystemCache
from sqlalchemy.engine import URL, make_url

HOME = Path(os.environ["PROFMIN_SUPERSET_HOME"]).absolute()
MARTS = make_url(f"postgresql+psycopg2://{os.environ['PROFMIN_BI_DATABASE']}")
LOGINS = HOME / "logins.csv"
"""`login,dashboard,password`: login and password of Postgres; the account in Superset bears the login's name."""
NOBODY = "own_login"
"""Whom the imported address names in place of a reader (flows/presentation/superset_datasets.py)."""

SECRET_KEY = (HOME / "secret_key").read_text(encoding="utf-8").strip()
SQLALCHEMY_DATABASE_URI = os.environ.get("PROFMIN_SUPERSET_STORE", f"sqlite:///{HOME}/superset.db")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = "PROFMIN_SUPERSET_TLS" in os.environ  # a browser keeps such a cookie only over TLS
TALISMAN_ENABLED = SESSION_COOKIE_SECURE
ENABLE_PROXY_FIX = SESSION_COOKIE_SECURE

BABEL_DEFAULT_LOCALE = "ru"
LANGUAGES = {"ru": {"flag": "ru", "name": "Русский"}, "en": {"flag": "us", "name": "English"}}
D3_FORMAT = {"decimal": ",", "thousands": " ", "grouping": [3], "currency": ["", " ₽"]}
D3_TIME_FORMAT = {"date": "%d.%m.%Y", "time": "%H:%M:%S", "dateTime": "%d.%m.%Y %H:%M:%S"}

FEATURE_FLAGS = {
    "CACHE_QUERY_BY_USER": True,  # else a chart that one has opened is shown to the next one, with the first one's rows
    "DASHBOARD_RBAC": True,
    "ALERT_REPORTS": False,  # would ask as the owner of a chart, for whoever is told
    "EMBEDDED_SUPERSET": False,  # a guest's name is what the embedding page says
    "ENABLE_TEMPLATE_PROCESSING": False,
    "THUMBNAILS": False,
}


class OwnCache(FileSystemCache):
    """Answers in files, each reader's apart whatever the key: the flag knows charts of today's kinds, and keys of the
    old ones (`/superset/explore_json`) do not name who asks."""

    def _get_filename(self, key: str) -> str:
        reader = getattr(g, "user", None) if has_app_context() else None
        return super()._get_filename(f"{getattr(reader, 'username', '')}\n{key}")


DATA_CACHE_CONFIG = {
    "CACHE_TYPE": "superset_config.OwnCache",
    "CACHE_DIR": str(HOME / "cache"),
    "CACHE_DEFAULT_TIMEOUT": 900,
    "CACHE_THRESHOLD": 5000,
}
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}  # would hold whole responses, by address alone


def DB_CONNECTION_MUTATOR(  # noqa: N802
    uri: URL, params: dict[str, Any], username: str | None, security_manager: Any, source: Any
) -> tuple[URL, dict[str, Any]]:
    """The address of the marts with the login and password of who asks. Addresses of others stay as they are.

    Raises SupersetGenericErrorException, which stands in place of a chart, for who has none: he sees nothing.
    """
    if uri.username != NOBODY:
        return uri, params
    password = passwords().get(username or "")
    if not password:
        from superset.exceptions import SupersetGenericErrorException  # cannot be imported before this has been read

        raise SupersetGenericErrorException(
            f"у «{username}» нет своего входа в Postgres: profmin access grant, затем строка в logins.csv", status=403
        )
    return MARTS.set(username=username, password=password), params


def passwords() -> dict[str, str]:
    """Login → its password in Postgres, as the file says now."""
    with LOGINS.open(encoding="utf-8", newline="") as file:
        return {row["login"]: row["password"] for row in csv.DictReader(file)}
