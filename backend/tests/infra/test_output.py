"""What the service writes: to an output that nobody reads, and into files that nobody else may read."""

import json
import os
import sys
from asyncio import to_thread
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE
from threading import Timer
from time import monotonic
from typing import TextIO

import pytest

from focys.infra.db.database import Database
from focys.infra.db.schema import migrate
from focys.infra.mail.mailer import ConsoleMailer, MailError, Message
from focys.infra.ops import logs
from tests.conftest import world_on
from tests.support.clock import NOON
from tests.support.numbers import scrape

ENOUGH_LINES = 500
"""More than the 64 KiB that a pipe takes."""


class Pipe:
    """A pipe as standard error, with a reader that does nothing until it is asked to."""

    def __init__(self) -> None:
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        self.stream: TextIO = os.fdopen(writing, "w")

    def read(self) -> str:
        read = b""
        with suppress(BlockingIOError):
            while part := os.read(self._reading, 65536):
                read += part
        return read.decode()

    def close(self) -> None:
        self.stream.close()
        os.close(self._reading)


@pytest.fixture
def unread() -> Iterator[Pipe]:
    """Standard error with a reader that has stopped. After 20 seconds it reads on, so that no test waits forever."""
    pipe = Pipe()
    rescue = Timer(20, lambda: [pipe.read() for _ in range(100)])
    rescue.start()
    yield pipe
    rescue.cancel()
    pipe.close()


async def test_an_output_that_nobody_reads_stops_no_sign_in(
    sqlite_url: str, unread: Pipe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stderr", unread.stream)
    async with world_on(sqlite_url) as world:
        browser, began = world.a_browser(), monotonic()
        before = (await scrape(browser)).of("focys_log_lines_dropped_total")
        account = await world.an_account(enrolled=True)
        for number in range(ENOUGH_LINES):
            logs.logger("focys.test").info("filling", number=number, text="x" * 200)
        _, token = await world.signed_in(account)
        dropped = (await scrape(browser)).of("focys_log_lines_dropped_total") - before

    assert token
    assert dropped > 0
    assert monotonic() - began < 20
    lines = unread.read().splitlines()
    assert lines
    assert all(json.loads(line)["event"] for line in lines)


async def test_a_console_that_nobody_reads_blocks_no_emailed_code(unread: Pipe):
    """AVL-11: the code is sent again once somebody reads."""
    mailer, began = ConsoleMailer(unread.stream), monotonic()

    async def print_too_much() -> None:
        for _ in range(ENOUGH_LINES):
            await mailer.send("alice@student.com", Message("Code", (), "x" * 5000), NOON)

    with pytest.raises(MailError, match="nobody reads the console"):
        await print_too_much()
    waited = monotonic() - began
    unread.read()
    await mailer.send("alice@student.com", Message("Code", (), "the code"), NOON)

    assert waited < 10
    assert unread.read().splitlines()[-1] == "the code"


async def test_a_console_that_is_gone_is_a_refused_email():
    """AVL-11: as a mail server that does not respond."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream, pytest.raises(MailError, match="BrokenPipeError"):
        await ConsoleMailer(stream).send("alice@student.com", Message("Code", (), "line"), NOON)


def test_lines_are_whole_again_once_somebody_reads(unread: Pipe, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", unread.stream)
    logs.configure()
    log = logs.logger("focys.test")
    for number in range(ENOUGH_LINES):
        log.info("filling", number=number, text="x" * 200)
    log.info("long", text="y" * 100_000)
    before = unread.read()
    log.info("long", text="z" * 20_000)
    log.info("whole", number=1)

    after = unread.read().splitlines()

    assert before.count("filling") < ENOUGH_LINES
    assert json.loads(after[-1])["event"] == "whole"


def modes_in(folder: Path) -> dict[str, str]:
    return {path.name: oct(S_IMODE(path.stat().st_mode)) for path in folder.iterdir() if path.is_file()}


async def test_files_in_an_existing_folder_are_private(tmp_path: Path):
    """CFG-11: whatever the umask."""
    previous = os.umask(0o022)
    try:
        await to_thread(migrate, f"sqlite+aiosqlite:///{tmp_path / 'focys.db'}")
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'focys.db'}")
        await database.now()
        logs.configure(log_file=tmp_path / "focys.log")
        logs.logger("focys.test").info("hello")
        modes = modes_in(tmp_path)
        await database.close()
    finally:
        os.umask(previous)

    assert {"focys.db", "focys.log"} <= set(modes)
    log_mode = modes.pop("focys.log")
    assert log_mode == "0o640"
    assert set(modes.values()) == {"0o600"}


def test_an_existing_log_file_keeps_its_mode(tmp_path: Path):
    """As logrotate has created it, for a group that may read it."""
    log = tmp_path / "focys.log"
    log.touch()
    log.chmod(0o640)

    logs.configure(log_file=log)

    assert modes_in(tmp_path) == {"focys.log": "0o640"}
