"""What is installed has all that the packages have: code, SQL, tables, notes."""

from hatchling.builders.wheel import WheelBuilder
from house import PACKAGES, ROOT


def test_the_wheel_has_every_file_of_the_packages() -> None:
    shipped = {included.distribution_path for included in WheelBuilder(str(ROOT)).recurse_included_files()}
    there = {
        path.relative_to(ROOT).as_posix()
        for package in (*PACKAGES, "deployments")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert there - shipped == set()
    assert "contracts/forms/readiness_report/texts.csv" in shipped
