"""Pictures of each kind of page at three widths: `python tests/page_pictures.py ADDRESS docs/pictures`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = {"desktop": 1280, "tablet": 820, "phone": 390}
KINDS = {
    "first": "index.html", "unit": "unit/molchanovsky.html", "schools": "schools.html", "school": "school",
    "form": "form/readiness_report.html", "lines": "lines.html", "table": "table/corrections.html",
}  # fmt: skip
HIGHEST = 1200
"""Pixels of a page that a picture has at most."""
SCHOOL = "691401.html"


def main(address: Path, to: Path) -> None:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, width in WIDTHS.items():
            page = browser.new_page(viewport={"width": width, "height": 900})
            for kind, path in KINDS.items():
                at = address / path
                page.goto((at / SCHOOL if at.is_dir() else at).resolve().as_uri())
                height = min(page.evaluate("document.body.scrollHeight"), HIGHEST)
                clip = {"x": 0, "y": 0, "width": width, "height": height}
                page.screenshot(path=to / f"page_{kind}_{name}.jpg", type="jpeg", quality=30, full_page=True, clip=clip)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
