"""Packs of regions: which are in force, what each caller gets of them, and what is said of one that is wrong."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packs import SHIPPED, edit, renamed, write_pack

from contracts import vocabulary
from contracts.regions import PackFault, pack_check, packs_in, read_from, region_named, region_of, regions
from contracts.regions.openness import SmallNumbers, told_to
from contracts.regions.pack import region_in
from contracts.regions.route import COLUMNS
from contracts.versions.inputs import add, changed, fingerprint, ledger_of, ledgers, lines_of, listed
from contracts.versions.pack_faults import wrong_pack, wrong_tables
from contracts.versions.rule_versions import UNLISTED, contract_version, in_force
from contracts.versions.rule_versions import listed as rules_listed

Lines = list[dict[str, str]]


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Path]:
    """A folder of two regions: the shipped one, and one at UTC+2 with codes of its own and the same names."""
    write_pack(tmp_path / "packs" / "69-tomsk")
    renamed(write_pack(tmp_path / "packs" / "39-amber", code="39", name="Край", time_zone="Europe/Kaliningrad"), "a_")
    yield tmp_path / "packs"
    read_from(None)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "69-tomsk")


def test_the_shipped_packs_are_right() -> None:
    assert [region.folder for region in packs_in(SHIPPED.parent)] == [SHIPPED]
    assert wrong_pack(SHIPPED) == []


def test_whom_to_call_is_a_post_and_not_a_person() -> None:
    contacts = vocabulary.rows("contacts")
    assert {row["sender"] for row in contacts} == {row["sender"] for row in vocabulary.rows("senders")}
    assert all(row["phone"].startswith("+7 (000) ") and row["email"].endswith(".invalid") for row in contacts)


def test_packs_of_ones_own_are_in_force_and_no_others(packs: Path) -> None:
    alone = contract_version()
    read_from(packs)
    assert [(region.code, region.time_zone) for region in regions()] == [
        ("39", "Europe/Kaliningrad"), ("69", "Asia/Tomsk"),
    ]  # fmt: skip
    assert {row["region"] for row in vocabulary.rows("senders")} == {"39", "69"}
    assert next(iter(vocabulary.rows("senders")[0])) == "region"
    assert {row["region"] for row in vocabulary.rows("calendar")} == {""}
    assert (region_of("asinovsky").code, region_of("a_asinovsky").code) == ("69", "39")
    assert region_named("39").name == "Край"
    assert contract_version() != alone
    shutil.rmtree(packs / "69-tomsk")
    read_from(None)
    read_from(packs)
    assert {row["region"] for row in vocabulary.rows("senders")} == {"39"}
    assert "asinovsky" not in vocabulary.owners("inbox"), "a region must not see the senders of another"
    read_from(None)
    assert (contract_version(), regions()[0].code) == (alone, "69")


def test_a_copy_of_the_shipped_pack_says_the_same(tmp_path: Path) -> None:
    alone, listed_alone = contract_version(), listed()
    write_pack(tmp_path / "packs" / "69-tomsk")
    read_from(tmp_path / "packs")
    try:
        assert listed() == listed_alone and changed() == []
        assert contract_version() != "" and [region.code for region in regions()] == ["69"]
        assert (contract_version() == alone) == (
            (SHIPPED / "region.toml").read_bytes() == (tmp_path / "packs/69-tomsk/region.toml").read_bytes()
        )
    finally:
        read_from(None)


@pytest.mark.parametrize(
    ("table", "column"), [("senders", "sender"), ("reporting_units", "reporting_unit"), ("region.toml", "code")]
)
def test_a_code_that_another_pack_uses_is_refused(packs: Path, table: str, column: str) -> None:
    if table == "region.toml":
        path = packs / "39-amber" / table
        path.write_text(path.read_text(encoding="utf-8").replace('"39"', '"69"'), encoding="utf-8")
        code = "69"
    else:
        code = "asinovsky"
        edit(packs / "39-amber", table, lambda lines: lines[1].update({column: code}))
    with pytest.raises(PackFault, match=f"{column} «{code}» уже занят пакетом 39-amber"):
        read_from(packs)
    assert [region.code for region in regions()] == ["69"], "those that were in force stay"


def test_a_folder_without_packs_is_never_tomsk(tmp_path: Path) -> None:
    for folder, said in ((tmp_path, "нет ни одного пакета"), (tmp_path / "no", "не открывается")):
        with pytest.raises(PackFault, match=said):
            read_from(folder)
    (tmp_path / "36-empty").mkdir()
    with pytest.raises(PackFault, match=r"region\.toml: такого файла нет"):
        read_from(tmp_path)


def first(**values: str) -> Callable[[Lines], object]:
    return lambda lines: lines[0].update(values)


def more(**values: str) -> Callable[[Lines], object]:
    return lambda lines: lines.append(dict.fromkeys(lines[0], "") | values)


def later(lines: Lines) -> None:
    for line in lines:
        line.update(valid_from="2023-01-01")


ATLANTIS = {"sender": "atlantis", "name": "Атлантида", "kind": "reporting_unit"}
NOBODY = {"alias": "Нигде", "reporting_unit": "nowhere", "why": "опыт"}
AGAIN = {"reporting_unit": "asinovsky", "name": "Асино", "kind": "municipality", "oktmo": "69608000",
         "valid_from": "2020-01-01", "valid_to": "2030-01-01"}  # fmt: skip
WRONG = {
    "sender without a unit": ("senders", more(**ATLANTIS), "строка 25: у отправителя «atlantis» нет отчётной единицы"),
    "sender of no kind": ("senders", first(kind="school"), "строка 2: kind «school»; ожидается "),
    "unit without a sender": ("senders", lambda lines: lines.pop(0), "у единицы «aleksandrovsky» нет отправителя"),
    "form that is none": ("campaigns", first(form="readiness"), "строка 2: form «readiness»; ожидается одна из форм"),
    "campaign that ends first": ("campaigns", first(deadline="2023-07-01"), "кончается 2023-07-01, а начинается 2023"),
    "day as Excel writes it": ("campaigns", first(deadline="11.09.2023"), "«11.09.2023»; ожидается день в виде 2023"),
    "alias of nobody": ("reporting_unit_aliases", more(**NOBODY), "reporting_unit «nowhere» — никто"),
    "alias of two": ("reporting_unit_aliases", first(reporting_unit="asinovsky"), "и asinovsky, и aleksandrovsky"),
    "address of nobody": ("sender_addresses", first(sender="nowhere"), "sender «nowhere» — никто"),
    "address of two": ("sender_addresses", first(address="asinovsky"), "3: «inbox asinovsky» уже есть в строке 2"),
    "bands with a hole": ("band_rules", lambda lines: lines[2].update(lower_bound="0.1"), "дыра ниже 0.1; ожид"),
    "bands without one": ("band_rules", lambda lines: lines.pop(1), "в полосах «2023» нет amber"),
    "bands in disorder": ("band_rules", first(lower_bound="0.40"), "лежат одна на другой"),
    "bands from some day on": ("band_rules", later, "до первых полос — дыра"),
    "bound with a comma": ("band_rules", first(lower_bound="0,80"), "lower_bound «0,80»; ожидается доля"),
    "threshold that is gone": ("thresholds", lambda lines: lines.pop(), "нет порога nightly_missing hours"),
    "threshold of nothing": ("thresholds", first(name="day"), "никому не нужен"),
    "unit twice a day": ("reporting_units", more(**AGAIN), "дни asinovsky заняты строкой 3"),
    "unit that ends first": ("reporting_units", first(valid_to="0001-01-01", valid_from="2023-01-01"), "не раньше"),
    "nothing where something is owed": ("senders", first(name=""), "строка 2: name пусто; ожидается значение"),
    "contact without either": ("contacts", first(phone="", email=""), "строка 2: ни телефона, ни почты; ожидается"),
    "contact without figures": ("contacts", first(phone="нет"), "строка 2: phone «нет»; ожидается телефон"),
    "contact with two mails": ("contacts", first(email="a@b.ru, c@d.ru"), "email «a@b.ru, c@d.ru»; ожидается один"),
    "code in capitals": ("senders", first(sender="Александровский"), "sender «Александровский»; ожидается латинские"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_with_file_line_and_what_is_expected(pack: Path, fault: str) -> None:
    table, change, said = WRONG[fault]
    edit(pack, table, change)
    sentences = wrong_pack(pack)
    assert any(said in sentence for sentence in sentences), sentences
    assert all(sentence.startswith(str(pack)) and "; ожида" in sentence for sentence in sentences)


def test_a_set_of_bands_that_no_mart_asks_for_is_told(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack / "band_rules.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    more = [line.replace("2023,", "2027-events,").replace("0001-01-01", "2027-09-01") + ",events" for line in lines[1:]]
    path.write_text("\n".join([f"{lines[0]},rule_set", *(f"{line}," for line in lines[1:]), *more]) + "\n", "utf-8")
    assert [said.split("band_rules.csv")[1] for said in wrong_tables(pack)] == [
        *(f", строка {number}: rule_set «events» никому не нужен; ожидается имя из пакета 69-tomsk или пусто"
          for number in (5, 6, 7)),
        ": до первых полос набора «events» — дыра; ожидается полосы с valid_from 0001-01-01",
    ]  # fmt: skip
    monkeypatch.setattr(pack_check, "SHIPPED", pack)
    path.write_text(path.read_text(encoding="utf-8").replace("2027-09-01", "0001-01-01"), encoding="utf-8")
    assert wrong_tables(pack) == []
    path.write_text(path.read_text(encoding="utf-8").replace("2027-events,red", "2023,grey"), encoding="utf-8")
    assert any("полосы «2023» в двух наборах; ожидается один rule_set" in said for said in wrong_tables(pack))


def test_an_empty_set_of_bands_is_no_change(pack: Path) -> None:
    before = ledger_of(packs_in(pack.parent)[0]).lines("band_rules")
    path = pack / "band_rules.csv"
    first, *others = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{first},rule_set", *(f"{line}," for line in others)]) + "\n", encoding="utf-8")
    after = ledger_of(packs_in(pack.parent)[0]).lines("band_rules")
    assert after != before and fingerprint("band_rules", after) == fingerprint("band_rules", before)
    assert wrong_pack(pack) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A,sender,atlantis,data,1,file,,,,,", "строка 2: sender «atlantis»; ожидается пусто (все) или один из: aleks"),
        ("A,boss,,data,1,file,,,,,", "строка 2: audience «boss»; ожидается sender, officer, engineer"),
        ("A,officer,,data,1,email,nobody,,,,", "строка 2: address «nobody»; ожидается один адрес почты"),
        ("A,officer,,data,1,file,,digest 22:00,21:00,07:00,", "ожидается время сводки вне тихих часов"),
        (
            "A,officer,,data,1,file,a,,,,\nA,officer,,own,1,file,b,,,,",
            "строка 3: у получателя «A» для file другое address",
        ),
        ("", "routing.csv: ни одной строки; ожидаются"),
        ("A,officer", "строка 2: значений 2; ожидается 11"),
    ],
)
def test_who_is_told_what_is_checked_in_words(pack: Path, line: str, said: str) -> None:
    (pack / "routing.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n", encoding="utf-8")
    sentences = wrong_pack(pack)
    assert any(said in sentence for sentence in sentences), sentences


def test_who_is_told_what_decides_nothing(pack: Path) -> None:
    (pack / "routing.csv").write_text(f"{','.join(COLUMNS)}\nA,officer,,data,1,file,,,,,\n", encoding="utf-8")
    assert wrong_pack(pack) == [], "it is no input that is listed"


def test_a_calendar_has_days_that_are_some(pack: Path) -> None:
    (pack / "calendar.csv").write_text("day,is_working,why\n2023-02-30,false,Опыт\n2023-10-09,нет,Опыт\n", "utf-8")
    told = wrong_pack(pack)
    assert any("строка 2: day «2023-02-30»; ожидается день" in sentence for sentence in told)
    assert any("строка 3: is_working «нет»; ожидается true или false" in sentence for sentence in told)


def test_what_is_told_to_everybody_is_opened_by_a_line_and_shut_as_shipped(pack: Path) -> None:
    """A threshold of two would tell each of two of the other one, and a unit called `public` lie open to everybody."""
    assert told_to(region_in(pack), "public") is None
    edit(pack, "small_numbers", lambda lines: lines[0].update(is_open="true"))
    assert told_to(region_in(pack), "public") == SmallNumbers(threshold=10, days=7)
    edit(pack, "small_numbers", lambda lines: lines[0].update(threshold="2", days="0", is_open="да"))
    edit(pack, "reporting_units", lambda lines: lines[0].update(reporting_unit="public"))
    told = wrong_pack(pack)
    for said in ("threshold «2»; ожидается целое число от 3", "days «0»", "is_open «да»", "«public»; ожидается"):
        assert any(said in sentence for sentence in told), (said, told)
    (pack / "small_numbers.csv").unlink()
    assert told_to(region_in(pack), "public") is None


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"time_zone": "Asia/Tomks"}, "такого часового пояса нет: «Asia/Tomks»"),
        ({"language": "tt"}, "language «tt»; ожидается ru"),
        ({"code": "Томск"}, "code «Томск»; ожидаются цифры"),
        ({"name": ""}, "нет name; ожидается строка"),
        ({"colour": "red"}, "colour не известно"),
    ],
)
def test_region_toml(tmp_path: Path, stated: dict[str, str], said: str) -> None:
    pack = write_pack(tmp_path / "pack", **stated)
    assert any(said in sentence for sentence in wrong_pack(pack))


def test_files_and_columns_that_are_missing(pack: Path) -> None:
    (pack / "senders.csv").unlink()
    (pack / "campaigns.csv").write_text("campaign,form\nx,readiness_report\n", encoding="utf-8")
    (pack / "contacts.csv").unlink()
    told = wrong_pack(pack)
    assert f"{pack / 'senders.csv'}: такого файла нет; он нужен" in [each.split("; ожид")[0] for each in told]
    assert any("campaigns.csv, строка 1: нет столбцов title, academic_year" in sentence for sentence in told)
    assert not any("contacts" in sentence for sentence in told)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_table_as_excel_saves_it_is_read(pack: Path, separator: str) -> None:
    text = (pack / "senders.csv").read_text(encoding="utf-8").replace(",", separator).replace("\n", "\r\n")
    before = ledger_of(packs_in(pack.parent)[0]).lines("senders")
    (pack / "senders.csv").write_bytes(b"\xef\xbb\xbf" + text.encode() + (separator * 2 + "\r\n").encode())
    after = ledger_of(packs_in(pack.parent)[0]).lines("senders")
    assert after == before and fingerprint("senders", after) == fingerprint("senders", before)
    assert wrong_pack(pack) == []


def test_another_encoding_is_refused_in_words(pack: Path) -> None:
    text = (pack / "senders.csv").read_text(encoding="utf-8")
    (pack / "senders.csv").write_bytes(text.encode("cp1251"))
    (said,) = wrong_pack(pack)
    assert "senders.csv, строка 2: буквы не в UTF-8; ожидается UTF-8 (в Excel: «Сохранить как» → «CSV UTF-8»)" in said


def test_a_line_of_another_length_is_told(pack: Path) -> None:
    with (pack / "senders.csv").open("a", encoding="utf-8") as file:
        file.write("atlantis,Атлантида\n")
    (said,) = wrong_pack(pack)
    assert "senders.csv, строка 25: значений 2; ожидается 3: sender, name, kind" in said


def test_a_changed_table_is_a_version_of_the_pack(packs: Path) -> None:
    read_from(packs)
    pack = packs / "69-tomsk"
    before = listed()
    edit(pack, "campaigns", more(campaign="readiness-2024", form="readiness_report", title="Готовность, 2024/2025",
                                 academic_year="2024", starts_on="2024-08-01", deadline="2024-09-11"))  # fmt: skip
    read_from(None)
    read_from(packs)
    assert wrong_tables(pack) == []
    (said,) = wrong_pack(pack)
    assert "campaigns.csv: изменено без записи: + readiness-2024" in said and "profmin region version" in said
    (amber, tomsk) = ledgers()[1:]
    (line,) = add("2024", before[0].judges_from, "Кампания 2024 года.", where=[tomsk])
    assert (line.input, line.region, len(lines_of(line))) == ("campaigns", "69", 2)
    assert wrong_pack(pack) == []
    assert {each.region for each in set(listed()) - set(before)} == {"69"}
    assert {region for region, _ in changed([amber])} == {"39"}, "nothing of the other was ever listed"


def test_what_was_listed_cannot_be_changed(pack: Path) -> None:
    kept = pack / "versions" / "band_rules" / "2023.csv"
    kept.write_text(kept.read_text(encoding="utf-8").replace("0.80", "0.70"), encoding="utf-8")
    (pack / "versions" / "senders" / "2023.csv").unlink()
    with (pack / "versions.csv").open("a", encoding="utf-8") as file:
        file.write("2024,bands,2024-01-01,ab,Что-то.\n")
    told = wrong_pack(pack)
    assert any("не то, что записано" in sentence for sentence in told)
    assert any("нет файла" in sentence and "senders" in sentence for sentence in told)
    assert any("таблицы «bands» нет" in sentence for sentence in told)


def test_names_of_another_region_are_no_change_of_the_rules(packs: Path) -> None:
    shutil.rmtree(packs / "69-tomsk")
    read_from(packs)
    forms = {version.form for version in in_force() if version.version == UNLISTED}
    assert "readiness_report" in forms, "what the pack says is not listed yet"
    add("2023", dt.date(1, 1, 1), "Первая версия.", where=ledgers()[1:])
    assert [version.version for version in in_force()] == [version.version for version in rules_listed()]
    edit(packs / "39-amber", "reporting_unit_aliases", more(alias="Дюны", reporting_unit="a_kedrovy", why="письмо"))
    read_from(None)
    read_from(packs)
    assert {version.form for version in in_force() if version.version == UNLISTED} == forms
    since = dt.date(2027, 2, 1)
    add("2027-02", since, "Дюны — это Кедровый.", where=ledgers()[1:])
    new = in_force()[len(rules_listed()) :]
    assert {(version.form, version.judges_from) for version in new} == {(form, since) for form in forms}
    assert all(version.version.endswith(", 2027-02") for version in new)
