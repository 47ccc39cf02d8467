"""A file is read in the words of its region: names recur between regions, and mean something else in each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from example import MAIN, REPORT, Sent
from packs import RECURRING, edit, write_pack, write_regions

from contracts.due import due_on
from contracts.forms import FORMS, form_named
from contracts.regions import code_at, only_region, packs_in, read_from, regions, zone_at
from contracts.regions.pack_table import PackFault
from contracts.versions.rule_versions import UNLISTED, contract_version, in_force, rules_of
from contracts.vocabulary import add_working_days, campaign_at, reporting_units
from transforms.cells.key import key, unit_aliases
from transforms.identity.identify import Context, Delivery, identify

DAY = dt.date(2023, 9, 8)
KIROVSKY = RECURRING[0]
CONTRADICTION, UNKNOWN, ALIAS = "COM-016", "COM-017", "COM-022"


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Path]:
    """Two regions in force, «Кировский район» in both."""
    folder = write_regions(tmp_path / "packs")
    read_from(folder)
    yield folder
    read_from(None)


def identified(sent: Sent, context: Context | None = None) -> Delivery:
    return identify(sent.delivery(), context or Context(None, b"test"))


def rules(delivery: Delivery) -> set[str]:
    return {doubt.rule for doubt in delivery.findings}


@pytest.mark.usefixtures("packs")
@pytest.mark.parametrize(("folder", "region", "campaign"), [("tomsk_city", "69", True), ("a_u01", "39", True)])
def test_a_name_above_a_table_is_of_the_region_of_the_folder(folder: str, region: str, campaign: bool) -> None:
    above = (f"Муниципальное образование: {KIROVSKY}", "по состоянию на 08.09.2023")
    found = identified(Sent("readiness_report", folder=folder, above=above, file=f"Готовность {KIROVSKY}.xlsx"))
    assert (found.sender, found.region, found.campaign is not None) == (folder, region, campaign)
    assert not rules(found) & {CONTRADICTION, UNKNOWN} and not found.refused


@pytest.mark.usefixtures("packs")
def test_a_file_of_nobody_is_whose_its_words_are_if_they_are_of_one_region() -> None:
    above = ("по состоянию на 08.09.2023",)
    nobodys = Sent("readiness_report", folder=None, above=(f"Муниципальное образование: {KIROVSKY}", *above))
    assert (identified(nobodys).sender, identified(nobodys).region) == (None, None)
    assert identified(nobodys).refused
    known = identified(nobodys, Context(None, b"test", region="39"))
    assert (known.sender, known.region, known.slice) == ("a_u01", "39", "readiness_report/a_u01/readiness-2023")
    clear = identified(Sent("readiness_report", folder=None, above=("Территория: Дюнный городской округ", *above)))
    assert (clear.sender, clear.region, clear.campaign) == ("a_u13", "39", "readiness-2023")


@pytest.mark.usefixtures("packs")
def test_who_alone_sends_a_form_is_asked_in_a_region() -> None:
    plan = Sent("registration_plan", folder=None)
    assert identified(plan).sender is None and identified(plan).refused
    assert identified(plan, Context(None, b"", sender="a_operator")).sender == "a_operator"
    assert identified(plan, Context(None, b"", region="69")).sender == "regional_operator"


@pytest.mark.usefixtures("packs")
@pytest.mark.parametrize(
    ("folder", "unit", "notes"), [("regional_operator", "tomsk_city", {KIROVSKY}), ("a_operator", "a_u01", set())]
)
def test_units_in_rows_are_those_of_the_region(folder: str, unit: str, notes: set[str]) -> None:
    sent = Sent("registration_plan", {"reporting_unit": KIROVSKY, "plan_pupils": 70}, most=1, total={}, folder=folder)
    reading = sent.read()
    assert reading.facts.select("reporting_unit", "plan_pupils").rows() == [(unit, 70)]
    aliased = reading.findings.filter(rule=ALIAS)
    assert set(aliased["value"]) == notes, "an official name there is a by-name here"


def test_headings_of_a_region_are_known_there_alone(packs: Path) -> None:
    wording = "Сколько проводников по профессиям"
    columns = ("form", "column", "heading", "why", "by", "on")
    line = ("readiness_report", "navigators", wording, "так в бланке края", "методист", "2023-08-01")
    (packs / "39-amber" / "headings.csv").write_text(f"{','.join(columns)}\n{','.join(line)}\n", encoding="utf-8")
    read_from(None)
    read_from(packs)
    without = Sent("readiness_report", without=("navigators",), headings=(wording,))
    missing = {
        folder: identified(Sent(**{**vars(without), "folder": folder})).layout for folder in ("a_u05", "chainsky")
    }
    assert missing["a_u05"].matched[wording] == "navigators" and not missing["a_u05"].missing
    assert wording not in missing["chainsky"].matched and missing["chainsky"].missing


@pytest.mark.usefixtures("packs")
def test_a_campaign_of_one_code_has_the_deadline_of_its_region() -> None:
    form = form_named("readiness_report")
    deadlines = {
        sender: due_on(form, DAY, "readiness-2023", sender) for sender in ("asinovsky", "a_u01", "nobody", None)
    }
    assert deadlines == {"asinovsky": dt.date(2023, 9, 11), "a_u01": dt.date(2023, 9, 13), "nobody": None, None: None}
    assert [campaign_at(form.name, DAY, region)["title"][:10] for region in ("69", "39")] == [
        "Готовность",
        "Готовность",
    ]
    assert campaign_at(form.name, DAY, None) is None
    monday = dt.date(2023, 9, 11)
    assert add_working_days(monday, 1, "asinovsky") == dt.date(2023, 9, 12)
    assert add_working_days(monday, 1, "a_u01") == dt.date(2023, 9, 13), "a day off of its own"


@pytest.mark.usefixtures("packs")
def test_what_is_of_no_region_is_of_none() -> None:
    assert only_region() is None and code_at("nobody") is None and code_at(None) is None
    assert str(zone_at(None)) == "Europe/Moscow" and str(zone_at("a_u01")) == "Europe/Kaliningrad"
    assert unit_aliases("39")[key(KIROVSKY)] == "a_u01" and unit_aliases("69")[key(KIROVSKY)] == "tomsk_city"
    assert key(KIROVSKY) not in unit_aliases(None) and key("Дюнный городской округ") in unit_aliases(None)
    assert (reporting_units(DAY, "39").height, reporting_units(DAY, "69").height) == (60, 21)


def test_rules_of_a_region_are_those_that_it_has_alone(packs: Path) -> None:
    together = {
        region.code: (
            contract_version(region.code),
            in_force(FORMS, region.code),
            [rules_of(form, region.code) for form in FORMS],
        )
        for region in regions()
    }
    for folder in sorted(packs.iterdir()):
        read_from(None)
        alone = folder.parent.parent / folder.name / folder.name
        alone.parent.mkdir()
        folder.rename(alone)
        read_from(alone.parent)
        (region,) = regions()
        said = contract_version(), in_force(), [rules_of(form) for form in FORMS]
        assert said == together[region.code]
        assert not any(version.version == UNLISTED for version in in_force())
        alone.rename(folder)


def test_an_address_of_two_regions_is_refused(packs: Path) -> None:
    edit(packs / "39-amber", "sender_addresses", lambda lines: lines[0].update(address="asinovsky"))
    with pytest.raises(PackFault, match="channel address «inbox asinovsky» уже занят пакетом 39-amber"):
        packs_in(packs)


def test_a_region_alone_needs_no_name(tmp_path: Path) -> None:
    write_pack(tmp_path / "packs" / "69-tomsk")
    read_from(tmp_path / "packs")
    try:
        above = ("Муниципальное образование: Чаинский муниципальный район", "по состоянию на 08.09.2023")
        found = identified(Sent("readiness_report", {**REPORT, **MAIN}, folder=None, above=above))
        assert (found.sender, found.region) == ("chainsky", "69")
        assert identified(Sent("registration_plan", folder=None)).sender == "regional_operator"
    finally:
        read_from(None)
