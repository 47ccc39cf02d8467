"""The size of a delivery against what is expected of its form."""

from __future__ import annotations

from contracts.form import Form, Size
from contracts.reading import Finding
from contracts.rules import TOO_MUCH_SET_ASIDE, WRONG_SIZE
from transforms.findings.finding import finding

SENTENCES = {
    "schools_of_sender": "В файле строк: {count}, у отправителя школ по реестру: {expected}.",
    "schools": "В файле названо школ: {count}, в реестре их {expected}.",
    "units": "В файле строк: {count}, отчётных единиц: {expected}.",
}


def wrong_size(size: Size | None, count: int, expected: int) -> list[Finding]:
    """The finding that refuses a delivery of another size than expected, with both numbers; none when it is right."""
    if size is None or not expected:
        return []
    least, most = size.bounds(expected)
    if least <= count <= most:
        return []
    sentence = SENTENCES[size.per].format(count=count, expected=expected)
    bound = f"не меньше {least}" if count < least else f"не больше {most}"
    return [
        finding(
            WRONG_SIZE, what=f"{WRONG_SIZE.what} {sentence}", value=str(count), expected=bound,
            difference=count - expected,
        )
    ]  # fmt: skip


def too_much_set_aside(form: Form, loaded: int, set_aside: int) -> list[Finding]:
    """The finding that refuses a delivery of whose rows with data more are set aside than its form allows, with both
    numbers; none when it is not so."""
    most = form.set_aside.most(loaded + set_aside)
    if set_aside <= most:
        return []
    sentence = f"Строк с данными: {loaded + set_aside}, отложено из-за ошибок: {set_aside}, без ошибок: {loaded}."
    return [
        finding(
            TOO_MUCH_SET_ASIDE, what=f"{TOO_MUCH_SET_ASIDE.what} {sentence}", value=str(set_aside),
            expected=f"не больше {most}", difference=set_aside - most,
        )
    ]  # fmt: skip
