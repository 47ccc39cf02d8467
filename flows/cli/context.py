"""What commands are called with: the settings, and the log set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.home.usage import UsageError

if TYPE_CHECKING:
    from flows.home.settings import Settings


def read_settings() -> Settings:
    """The settings, with the log set up. Raises UsageError that names the variable that is wrong."""
    from pydantic import ValidationError

    from flows.home.faults import log_to
    from flows.home.settings import Settings

    try:
        settings = Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        said = wrong["msg"].removeprefix("Value error, ")
        name = "PROFMIN_" + "_".join(map(str, wrong["loc"])).upper()
        raise UsageError(f"{name}: {said}" if wrong["loc"] else said) from None
    settings.restrict()
    log_to(settings.log_file if settings.home.is_dir() else None, settings.log_level, settings.log_format)
    return settings
