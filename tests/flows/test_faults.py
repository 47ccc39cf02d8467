import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.grid import Unreadable
from flows.home.faults import LOGGER, Fault, describe, fault, guarded, log_failure, log_to, trace
from warehouse.core.slices import Timeout
from warehouse.core.transaction import GaveUp

NAME = "Секретов Тайник Скрытович"


class OperationalError(Exception):
    """Stands for the driver's, which is known by its name."""


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    handlers = LOGGER.handlers[:]
    yield
    LOGGER.handlers[:] = handlers


def broken(value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise RuntimeError(f"cannot count {value}") from error


def test_text_of_a_foreign_error_is_withheld() -> None:
    with pytest.raises(RuntimeError) as caught:
        broken(NAME)
    told = trace(caught.value) + describe(caught.value)
    assert NAME not in told
    assert "RuntimeError" in told and "ValueError" in told and "test_faults.py" in told and "in broken" in told


def test_a_fault_says_what_was_done_and_what_came() -> None:
    found = fault(ValueError(NAME), "reading a delivery")
    assert str(found) == "reading a delivery: ValueError"
    assert not found.passing


def test_the_first_line_of_a_database_that_is_away_is_told() -> None:
    found = fault(OperationalError(f"server closed the connection\nCONTEXT: COPY pupils, line 3: {NAME}"), "loading")
    assert str(found) == "loading: OperationalError: server closed the connection"
    assert found.passing


def test_who_waited_in_vain_says_for_whom_and_may_try_again() -> None:
    for error in (Timeout("waited 300 s for a slice, and gave up"), GaveUp("publish: deadlock detected; gave up")):
        found = fault(error, "loading")
        assert str(found) == f"loading: {error}"
        assert found.passing


def test_own_errors_speak() -> None:
    assert describe(Unreadable("corrupt", NAME)) == "Unreadable: corrupt"
    assert describe(Fault("the task did not finish")) == "the task did not finish"
    assert describe(FileNotFoundError(2, "No such file or directory", "a.csv")).endswith("directory (a.csv)")


def test_guarded_work_gives_its_result_or_a_fault() -> None:
    assert guarded("counting", lambda: 3) == 3
    assert isinstance(guarded("counting", lambda: broken(NAME)), Fault)


def test_guarded_work_survives_a_panic_of_native_code() -> None:
    class PanicException(BaseException):  # like pyo3's: no Exception
        pass

    def panic() -> None:
        raise PanicException(NAME)

    assert str(guarded("reading", panic)) == "reading: PanicException"


def test_guarded_work_can_be_interrupted() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded("waiting", interrupt)


def test_terminal_gets_a_sentence_and_the_file_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "profmin.log"
    log_to(log, "warning")
    with pytest.raises(RuntimeError) as caught:
        broken(NAME)
    log_failure(caught.value)
    LOGGER.info("for the file only")
    shown = capsys.readouterr().err
    assert shown == f"profmin: RuntimeError (see {log})\n"
    kept = log.read_text()
    assert "in broken" in kept and "for the file only" in kept and NAME not in kept


def test_debug_shows_the_way_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log_to(None, "debug")
    with pytest.raises(RuntimeError) as caught:
        broken(NAME)
    log_failure(caught.value)
    shown = capsys.readouterr().err
    assert "in broken" in shown and NAME not in shown
    assert LOGGER.level == logging.DEBUG
