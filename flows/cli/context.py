"""What commands are called with: the settings, and the log set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.home.usage import UsageError

if TYPE_CHECKING:
    from flows.home.settings import Settings


def settings() -> Settings:
    """The settings, with the log set up. Raises UsageError that names the variable that is wrong."""
    from pydantic import ValidationError

    from flows.home.faults import log_to
    from flows.home.settings import Settings

    try:
        found = Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "PROFMIN_" + "_".join(map(str, wrong["loc"])).upper()
        raise UsageError(f"{name}: {wrong['msg'].removeprefix('Value error, ')}") from None
    found.restrict()
    log_to(found.log_file if found.home.is_dir() else None, found.log_level, found.log_format)
    return found
