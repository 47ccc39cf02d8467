"""The service that the tests of a module share, and the files of the region for its inbox."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from post import Endpoint, Mailbox, endpoint, mailbox
from running import RunningService, running_service

from documents.demo import tomsk, write_deliveries


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for the tests of a module; the last of them may stop it."""
    with running_service(tmp_path_factory.mktemp("service")) as made:
        yield made


@pytest.fixture(scope="module")
def mails() -> Iterator[Mailbox]:
    with mailbox() as made:
        yield made


@pytest.fixture(scope="module")
def hook() -> Iterator[Endpoint]:
    with endpoint() as made:
        yield made


@pytest.fixture(scope="session")
def region_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the September 2023 region, a folder a sender; copy them, do not change them."""
    folder = tmp_path_factory.mktemp("region")
    write_deliveries(tomsk(), folder)
    return folder


@pytest.fixture(scope="session")
def put(region_files: Path) -> Callable[..., None]:
    """Copy the files of some senders into the inbox of a service, under other names when they were there before."""

    def copied(service: RunningService, *senders: str) -> None:
        for sender in senders:
            shutil.copytree(region_files / sender, service.settings.inbox / sender, dirs_exist_ok=True)

    return copied
