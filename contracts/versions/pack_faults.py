"""What is wrong with a region's pack as a whole: its tables, and the versions of what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from textwrap import shorten

from contracts.forms import FORMS
from contracts.forms.rule_states import changeable
from contracts.regions.pack import Region, region_in
from contracts.regions.pack_check import Known, faults
from contracts.regions.pack_table import PackFault
from contracts.versions.inputs import Ledger, changed_in, differences, fingerprint, last_of, ledger_of, lines_of_table

LONGEST = 120


def wrong_tables(pack: Path, others: Sequence[Region] = (), unread: Collection[str] = frozenset()) -> list[str]:
    """What is wrong with the tables of a pack, but for those that are `unread`, a sentence each in Russian."""
    known = Known([form.name for form in FORMS], {form.sender_kind for form in FORMS}, changeable())
    return faults(pack, known, others, unread)


def wrong_pack(pack: Path, others: Sequence[Region] = ()) -> list[str]:
    """What is wrong with a pack, a sentence each in Russian; its versions are looked at when its tables are right."""
    return wrong_tables(pack, others) or list(_wrong_versions(ledger_of(region_in(pack))))


def _wrong_versions(ledger: Ledger) -> Iterator[str]:
    """Lines of the ledger that cannot be, and tables that say what no version says."""
    try:
        versions = ledger.listed()
    except (PackFault, ValueError) as error:
        yield f"{ledger.file}: {error}; ожидаются строки, какие пишет profmin region version"
        return
    names = ledger.names()
    for number, line in enumerate(versions, 2):
        place = f"{ledger.file}, строка {number}"
        if line.input not in names:
            yield f"{place}: таблицы «{line.input}» нет; ожидается одна из {', '.join(names)}"
        elif not ledger.file_of(line).exists():
            yield f"{place}: нет файла {ledger.file_of(line)}; ожидается то, что говорила версия {line.version}"
        elif fingerprint(line.input, lines_of_table(ledger.file_of(line))) != line.fingerprint:
            yield f"{place}: {ledger.file_of(line)} — не то, что записано; ожидается файл, каким он был"
    for name in changed_in(ledger):
        last = last_of(name, versions)
        kept = last is not None and ledger.file_of(last).exists()
        moved = differences(name, lines_of_table(ledger.file_of(last)), ledger.lines(name)) if last and kept else []
        said = f": {'; '.join(shorten(each, LONGEST, placeholder=' …') for each in moved[:3])}" if moved else ""
        pack = ledger.file.parent
        yield (
            f"{pack / f'{name}.csv'}: {'изменено без записи' if last else 'версия не записана'}{said}; ожидается "
            f'profmin region version {pack} ИМЯ --from ДАТА --what "Что изменилось" --only {name}'
        )
