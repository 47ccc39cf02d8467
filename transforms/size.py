"""The size of a delivery against what is expected of its form."""

from __future__ import annotations

from contracts.form import Size
from contracts.rules import WRONG_SIZE
from transforms.finding import finding

SAID = {
    "schools_of_sender": "В файле строк: {found}, у отправителя школ по реестру: {expected}.",
    "schools": "В файле названо школ: {found}, в реестре их {expected}.",
    "units": "В файле строк: {found}, отчётных единиц: {expected}.",
}


def wrong_size(size: Size | None, found: int, expected: int) -> list[dict[str, object]]:
    """The finding that refuses a delivery of another size than expected, with both numbers; none when it is right."""
    if size is None or not expected:
        return []
    least, most = size.bounds(expected)
    if least <= found <= most:
        return []
    said = SAID[size.per].format(found=found, expected=expected)
    wanted = f"не меньше {least}" if found < least else f"не больше {most}"
    return [
        finding(
            WRONG_SIZE, what=f"{WRONG_SIZE.what} {said}", value=str(found), expected=wanted,
            difference=found - expected,
        )
    ]  # fmt: skip
