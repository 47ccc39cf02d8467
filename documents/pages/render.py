"""Templates of pages → bytes. Whatever a template shows is escaped; a value that it lacks is an error."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent / "templates"
ASSETS = ("page.css", "page.js")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def rendered(template: str, **values: object) -> bytes:
    """A page; equal values give equal bytes. Raises jinja2.UndefinedError for a value that is not given."""
    return _environment().get_template(template).render(**values).encode()


@cache
def assets() -> dict[str, bytes]:
    """Name → bytes of what pages share. A name changes with its bytes: pages written before keep the look they had."""
    found = {name: (FOLDER / name).read_bytes() for name in ASSETS}
    return {_named(name, data): data for name, data in found.items()}


@cache
def asset_names() -> dict[str, str]:
    """How a shared file is called in the templates → its name on a site."""
    return dict(zip(("style", "script"), assets(), strict=True))


def _named(name: str, data: bytes) -> str:
    stem, _, ending = name.partition(".")
    return f"{stem}-{sha256(data).hexdigest()[:10]}.{ending}"
