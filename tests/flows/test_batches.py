import datetime as dt
from pathlib import Path

from flows.intake.arrival import Arrival
from flows.intake.batches import LARGEST_BATCH, SMALL, batches

DAY = dt.date(2023, 9, 8)


def known(number: int, form: str | None = "readiness_report", size: int = 10, as_of: dt.date | None = DAY) -> Arrival:
    received = dt.datetime(2023, 9, 8, tzinfo=dt.UTC)
    return Arrival(f"{number}.xlsx", None, f"{number:064}", size, received, Path(), form=form, as_of=as_of)


def test_small_deliveries_of_a_form_and_date_go_together() -> None:
    given = [known(1), known(2), known(3, "registration_plan"), known(4, as_of=None), known(5, None), known(6)]
    found = [[each.file[0] for each in batch] for batch in batches(given)]
    assert sorted(found) == [["1", "2", "6"], ["3"], ["4"], ["5"]]


def test_large_deliveries_and_pupils_go_alone() -> None:
    given = [known(1), known(2, size=SMALL + 1), known(3, "registration_export"), known(4)]
    found = [[each.file[0] for each in batch] for batch in batches(given)]
    assert sorted(found) == [["1", "4"], ["2"], ["3"]]


def test_a_batch_is_bounded() -> None:
    given = [known(n) for n in range(2 * LARGEST_BATCH + 1)]
    found = list(batches(given))
    assert [arrival for batch in found for arrival in batch] == given
    assert len(found) == 3
    assert max(map(len, found)) - min(map(len, found)) <= 1, "one would be alone, and cost as much as the others"
    assert [len(batch) for batch in batches(given[1:])] == [LARGEST_BATCH, LARGEST_BATCH]
    assert [len(batch) for batch in batches([known(n) for n in range(5)], most=1)] == [1] * 5
