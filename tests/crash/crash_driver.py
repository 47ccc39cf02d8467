"""A process that runs commands in forks of itself, as `forks` does, and disturbs them at a step of theirs.

A request is a line of JSON; the answer is one too, given when the fork has ended.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import crash_steps
from forks import warm

import flows.cli.app
from contracts.forms import RULES, form_named
from transforms.findings import finding
from transforms.rows.contract import contract

LONGEST = 180.0
"""Seconds after which a command hangs."""


def severity(rule: str, level: str, version: str) -> None:
    """Judge readiness reports by a rule of another severity, as another version of the contracts would."""
    form = form_named("readiness_report")
    for edition in form.editions:
        changed = tuple(replace(each, severity=level) if each.id == rule else each for each in edition.rules)
        object.__setattr__(edition, "rules", changed)
    RULES[rule] = next(each for each in form.rules if each.id == rule)
    contract.cache_clear()
    finding.texts.cache_clear()
    for module in list(sys.modules.values()):
        if hasattr(module, "contract_version"):
            module.contract_version = lambda region=None: version


def main() -> int:
    warm()
    for line in sys.stdin:
        request = json.loads(line)
        steps, told = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(steps)
            return command(request, told)
        os.close(told)
        sys.stdout.write(json.dumps(ended(process, steps)) + "\n")
        sys.stdout.flush()
    return 0


def command(request: dict[str, Any], told: int) -> int:
    """Run one command in this fork; returns its exit code."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    os.environ.update(request["environment"])
    if request.get("rules"):
        severity(*request["rules"])
    home = Path(request["environment"]["PROFMIN_HOME"])
    crash_steps.install(home, told, request["at"], request["how"])
    sys.argv = ["profmin", *request["arguments"]]
    try:
        flows.cli.app.main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0


def ended(process: int, steps: int) -> dict[str, Any]:
    """Wait for a fork: how it ended (a negative signal or an exit code) and the steps that it told."""
    begun, told = time.monotonic(), bytearray()
    is_killed = False
    while True:
        ready, _, _ = select.select([steps], [], [], max(0.0, begun + LONGEST - time.monotonic()))
        if ready:
            if not (part := os.read(steps, 1 << 16)):
                break
            told += part
        elif is_killed:
            break
        else:
            os.kill(process, signal.SIGKILL)
            is_killed = True
    os.close(steps)
    _, status, used = os.wait4(process, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "hung": is_killed,
        "seconds": round(time.monotonic() - begun, 3),
        "processor": round(used.ru_utime + used.ru_stime, 3),
        "steps": [line.split("\t") for line in told.decode().splitlines()],
    }


if __name__ == "__main__":
    sys.exit(main())
