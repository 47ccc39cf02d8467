from pathlib import Path

import pytest
from evidence import picked

from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.dry_run import check
from flows.intake.incoming import Options
from flows.intake.outcome import exit_code

KEYS = ["file", "sha256", "form", "edition", "sender", "as_of", "verdict", "rows", "layout", "findings"]
FINDING_KEYS = [
    "rule",
    "severity",
    "scope",
    "sheet",
    "cell",
    "row",
    "column",
    "value",
    "expected",
    "difference",
    "message",
]


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """A home that does not exist."""
    return Settings(home=tmp_path / "absent")


def test_check_keeps_nothing(bare: Settings, region_files: Path) -> None:
    check([region_files], Options(), bare)
    assert not bare.home.exists()


def test_check_names_the_rules_that_need_a_register(bare: Settings, region_files: Path) -> None:
    (outcome,) = check(list(picked(region_files, "bakcharsky").values()), Options(), bare)
    (finding,) = [each for each in outcome.findings if each.rule == "COM-024"]
    assert finding.severity == "warning"


def test_check_with_a_register(bare: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "bakcharsky", "kedrovy")
    outcomes = check([files["bakcharsky"], files["kedrovy"]], Options(register=files["department/Реестр"]), bare)
    assert [(each.sender, each.verdict) for each in outcomes] == [("bakcharsky", "partial"), ("kedrovy", "accepted")]
    assert "COM-024" not in {finding.rule for each in outcomes for finding in each.findings}
    assert exit_code(outcomes) == 3


def test_a_register_that_is_no_file_is_wrong_usage_in_words(bare: Settings, region_files: Path, tmp_path: Path) -> None:
    files = list(picked(region_files, "bakcharsky").values())
    with pytest.raises(UsageError, match="not a register that can be used: Это не файл"):
        check(files, Options(register=tmp_path), bare)


def test_check_takes_the_register_last_loaded(tmp_path: Path, region_files: Path) -> None:
    from flows.intake.readings import DeliveryFiles
    from flows.intake.register_file import register_of

    home = Settings(home=tmp_path)
    files = picked(region_files, "department/Реестр", "bakcharsky")
    register_of(files["department/Реестр"], DeliveryFiles(home)).write_parquet(home.register)
    (outcome,) = check([files["bakcharsky"]], Options(), home)
    assert "COM-024" not in {finding.rule for finding in outcome.findings}


def test_check_takes_a_register_kept_before_full_names_were(tmp_path: Path, region_files: Path) -> None:
    from flows.intake.readings import DeliveryFiles
    from flows.intake.register_file import register_of

    home = Settings(home=tmp_path)
    files = picked(region_files, "department/Реестр", "bakcharsky")
    register = register_of(files["department/Реестр"], DeliveryFiles(home))
    assert register["full_name"].null_count() == 0
    register.drop("full_name").write_parquet(home.register)
    (outcome,) = check([files["bakcharsky"]], Options(), home)
    assert outcome.verdict == "partial"
    assert "COM-024" not in {finding.rule for finding in outcome.findings}


def test_a_register_that_is_none_is_wrong_usage(bare: Settings, region_files: Path) -> None:
    files = picked(region_files, "bakcharsky")
    with pytest.raises(UsageError, match="not a register"):
        check([files["bakcharsky"]], Options(register=files["bakcharsky"]), bare)


def test_document_has_the_agreed_keys_in_order(bare: Settings, region_files: Path) -> None:
    (outcome,) = check(list(picked(region_files, "tomsk_city").values()), Options(), bare)
    document = outcome.document()
    assert list(document) == KEYS
    assert list(document["rows"]) == ["read", "loaded", "quarantined", "not_data"]
    assert list(document["layout"]) == ["matched", "missing", "unknown"]
    assert {tuple(finding) for finding in document["findings"]} == {tuple(FINDING_KEYS)}
    assert list(outcome.document(with_ids=True))[-2:] == ["delivery_id", "reading_id"]


def test_pupil_export_is_counted_without_a_database(bare: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    options = Options(register=files["department/Реестр"])
    (outcome,) = check([files["regional_operator/Сводный"]], options, bare)
    assert (outcome.form, outcome.verdict, outcome.rows.quarantined) == ("registration_export", "accepted", 0)
    assert outcome.rows.loaded > 5000


def test_options_replace_what_the_file_says(bare: Settings, region_files: Path) -> None:
    files = picked(region_files, "bakcharsky")
    (outcome,) = check([files["bakcharsky"]], Options(sender="asinovsky"), bare)
    assert outcome.sender == "asinovsky" or outcome.verdict == "refused"
