"""Thousands of spoiled files: each is read with its rows balanced, or refused in words; none breaks or stops us.

    PROFMIN_FUZZ=5000 pytest tests/fuzz                               all of them; else a fifth, another with a commit
    PROFMIN_FUZZ=50000 PROFMIN_FUZZ_SEED=7 pytest tests/fuzz          a longer search from another start
    PROFMIN_FUZZ_ONLY=1157 pytest tests/fuzz -k mutant                one mutant again, by the number in a failure

What failed is kept in the folder that the message names.

Slow: thousands of files.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from corpus import RECEIVED, Good, contexts, corpus
from judge import Opened, complaints, drained, refusal_in_words
from mutants import Mutant, in_bytes, packed, spoil

from contracts.forms import FORMS
from contracts.grid import Unreadable
from documents.reading.archive_members import members
from documents.reading.formats.limits import Limits
from documents.reading.read import read_grid
from documents.reading.sandbox import ReaderFailed, Sandbox
from transforms.interpret import Delivery, interpret

SEED = int(os.environ.get("PROFMIN_FUZZ_SEED", "0"))
MUTANTS = int(os.environ.get("PROFMIN_FUZZ", "5000"))
PARTS = 5
BATCH = 100
LIMITS = Limits(memory=1 << 30, seconds=15, cells=1_000_000, unpacked=64 << 20)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(2, LIMITS) as made:
        yield made


def opened(sandbox: Sandbox, mutants: list[Mutant], folder: Path) -> tuple[Opened, list[tuple[Mutant, str]]]:
    """Mutants with their content or refusal; and those whose opening failed by a mistake of ours."""
    paths = [folder / str(mutant.number) for mutant in mutants]
    for path, mutant in zip(paths, mutants, strict=True):
        path.write_bytes(mutant.data)
    found, failed = [], []
    files = [(mutant.name, path) for mutant, path in zip(mutants, paths, strict=True)]
    for mutant, future in zip(mutants, sandbox.in_order(files), strict=True):
        try:
            found.append((mutant, future.result()))
        except Unreadable as error:
            found.append((mutant, error))
            if not refusal_in_words(error):
                failed.append((mutant, f"is refused without words: {error.reason!r}, {error.detail!r}"))
        except ReaderFailed as error:
            failed.append((mutant, str(error)))
    for path in paths:
        path.unlink()
    return found, failed


def report(failed: list[tuple[Mutant, str]], folder: Path) -> str:
    """What is wrong with which mutants, which are kept as files."""
    lines = [f"{len(failed)} complaints; PROFMIN_FUZZ_SEED={SEED}, PROFMIN_FUZZ_ONLY=<number> runs one again"]
    for mutant, text in failed[:10]:
        kept = folder / f"mutant_{SEED}_{mutant.number}"
        kept.write_bytes(mutant.data)
        lines.append(f"\nmutant {mutant.number}: {mutant.how}\nread as {mutant.name!r}, kept as {kept}\n{text}")
    return "\n".join(lines)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutant_is_read_or_refused(sandbox: Sandbox, tmp_path: Path, part: int) -> None:
    only = os.environ.get("PROFMIN_FUZZ_ONLY")
    numbers = [int(only)] if only else range(part, MUTANTS, PARTS)
    failed: list[tuple[Mutant, str]] = []
    told: Counter[str] = Counter()
    for batch in batches(list(numbers)):
        found, wrong = opened(sandbox, [spoil(number, SEED) for number in batch], tmp_path)
        told.update(content.reason if isinstance(content, Unreadable) else "read" for _, content in found)
        failed += wrong + complaints(found)
    assert not failed, report(failed, tmp_path)
    if not only:  # mutants that are all refused would test little
        assert 0.3 < told["read"] / told.total() < 0.9, told


def batches(numbers: list[int]) -> Iterator[list[int]]:
    return (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH))


def test_a_good_file_is_no_mutant(sandbox: Sandbox, tmp_path: Path) -> None:
    """The corpus itself is read well, or the rest says nothing."""
    good = [Mutant(n, each.name, each.folder, each.world, "unspoiled", each.data) for n, each in enumerate(corpus())]
    found, failed = opened(sandbox, good, tmp_path)
    failed += complaints(found)
    assert not failed, report(failed, tmp_path)
    assert not any(isinstance(content, Unreadable) for _, content in found)


def test_the_corpus_is_of_every_form() -> None:
    read = {drained(next(iter(interpret([delivery_of(each)], contexts()[each.world])))).form for each in corpus()}
    assert read == {form.name for form in FORMS}


def delivery_of(good: Good) -> Delivery:
    return Delivery(good.name, "0" * 64, good.folder, RECEIVED, read_grid(good.name, good.data))


def test_a_spoiled_archive_of_deliveries_is_opened_or_refused(tmp_path: Path) -> None:
    """Of small files, so that most of the damage is done to the archive around them."""
    whole = packed([(f"папка {number}/отчёт.csv", b"a;b\n") for number in range(9)])
    path = tmp_path / "архив.zip"
    unpacked = 0
    for number in range(300):
        data, how = in_bytes(Random(f"{SEED} {number}"), whole)
        path.write_bytes(data)
        names = [(name, content.read()) for name, content in members(path)]
        unpacked += bool(names)
        assert all(".." not in Path(name).parts and not Path(name).is_absolute() for name, _ in names), how
        if not names:
            with suppress(Unreadable):  # spliced with the end of a workbook it is that workbook
                read_grid(path.name, data)
    assert 0 < unpacked < 300
