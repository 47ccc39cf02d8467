"""The settings as the README's table; `python -m flows.home.settings_table` prints it."""

from __future__ import annotations

import sys

from flows.home.settings import FOLDERS, Settings


def settings_table() -> str:
    """The settings as a Markdown table: variable, default, description."""
    lines = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        if name in FOLDERS:
            default = f"`{name}` in the home"
        lines.append(f"| `PROFMIN_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(settings_table() + "\n")
