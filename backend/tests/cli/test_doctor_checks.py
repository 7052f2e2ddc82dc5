"""The doctor's checks one by one: each when all is well, and when it is not."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from focys.cli.doctor import checks_database, checks_local, checks_network
from focys.cli.doctor.report import Finding, Report, State, as_text
from focys.features.totp import SecretsByKey
from focys.infra.db.rights import Rights
from tests.conftest import settings_for
from tests.support.clock import NOON
from tests.support.processes import free_port
from tests.support.valkey import running_valkey

PUBLIC = "https://login.example.com"
OK, WARN, FAIL = State.OK, State.WARN, State.FAIL


def state_of(findings: list[Finding], name: str) -> State:
    return next(finding.state for finding in findings if finding.name == name)


@pytest.mark.parametrize(
    ("counted", "fallbacks", "state"),
    [
        ((0, 0, 0), 0, OK),
        ((9, 0, 0), 1, OK),
        ((9, 1, 0), 1, WARN),
        ((9, 0, 1), 0, FAIL),
        ((0, 9, 1), 1, FAIL),
    ],
)
def test_keys_are_judged_by_what_they_open(counted: tuple[int, int, int], fallbacks: int, state: State):
    assert checks_database.keys_finding(SecretsByKey(*counted), fallbacks=fallbacks).state is state


WELL = Rights(
    rules_the_server=False, has_powers=False, changes_tables=False, changes_the_audit=False, does_its_work=True
)


@pytest.mark.parametrize(
    ("changed", "state", "told", "script"),
    [
        ({}, OK, "can only add to the audit", ""),
        ({"does_its_work": False}, FAIL, "cannot read and write", "grants.sql"),
        ({"changes_the_audit": True}, WARN, "can change audit events", "grants.sql"),
        ({"changes_tables": True, "changes_the_audit": True}, WARN, "can change tables, can change audit", "roles.sql"),
        ({"has_powers": True}, WARN, "can create databases or roles", "roles.sql"),
        ({"rules_the_server": True, "has_powers": True}, WARN, "is a superuser", "roles.sql"),
    ],
)
def test_a_role_is_judged_by_what_it_may_do(changed: dict[str, bool], state: State, told: str, script: str):
    finding = checks_database.rights_finding(replace(WELL, **changed))

    assert finding.state is state
    assert told in finding.detail
    assert script in finding.fix


@pytest.mark.parametrize(
    ("lone", "state"),
    [
        (None, OK),
        ((10, "8.8.8.8"), OK),
        ((10, "127.0.0.1"), WARN),
        ((500, "10.1.2.3"), WARN),
        ((10, "1.1.1.1"), WARN),
    ],
)
def test_one_address_for_everybody_is_told(lone: tuple[int, str] | None, state: State):
    settings = settings_for("sqlite:////tmp/x.db", public_url=PUBLIC, trusted_proxies="1.1.1.1")

    finding = checks_local.addresses_finding(lone, settings)

    assert finding.state is state
    assert "1.1.1.1" not in finding.detail


@pytest.mark.parametrize(("seconds", "state"), [(0, OK), (1, OK), (-2, WARN), (14, WARN), (-15, FAIL), (3600, FAIL)])
def test_two_clocks_are_compared(seconds: int, state: State):
    """CFG-09: from one second on it is told, from fifteen on the service is not ready."""
    finding = checks_database.clock_finding(NOON + timedelta(seconds=seconds), NOON)

    assert finding.state is state
    assert ("behind" in finding.detail) is (seconds < -1)


@pytest.mark.parametrize(
    ("offsets", "state", "told"),
    [
        ({}, OK, "0 have"),
        ({1: 4}, OK, "4 have"),
        ({0: 6, 1: 4}, OK, "agree"),
        ({0: 5, 1: 5}, OK, "agree"),
        ({-1: 3, 0: 4, 1: 3}, OK, "agree"),
        ({0: 4, 1: 6}, FAIL, "30 s behind"),
        ({-1: 6, 0: 3, 1: 1}, FAIL, "30 s ahead"),
    ],
)
def test_most_phones_are_right(offsets: dict[int, int], state: State, told: str):
    finding = checks_database.phones_finding(offsets)

    assert finding.state is state
    assert told in finding.detail


@pytest.mark.parametrize(("stuck", "state"), [(0, OK), (1, WARN)])
def test_stuck_emails_are_judged(stuck: int, state: State):
    assert checks_database.outbox_finding(stuck).state is state


@pytest.mark.parametrize(
    ("name", "overrides", "state"),
    [
        ("public url", {"public_url": PUBLIC}, OK),
        ("public url", {"public_url": "http://localhost:8000"}, OK),
        ("cors origins", {}, OK),
        ("cors origins", {"public_url": PUBLIC}, WARN),
        ("cors origins", {"public_url": PUBLIC, "cors_origins": "http://app.example.com"}, WARN),
        ("cors origins", {"public_url": PUBLIC, "cors_origins": "https://app.example.com"}, OK),
        ("proxies", {}, OK),
        ("proxies", {"public_url": PUBLIC}, WARN),
        ("proxies", {"public_url": PUBLIC, "trusted_proxies": "127.0.0.1"}, OK),
        ("proxies", {"public_url": PUBLIC, "trusted_proxies": "0.0.0.0/0"}, WARN),
        ("proxies", {"public_url": PUBLIC, "trusted_proxies": "0.0.0.0/0", "trusted_proxy_hops": "1"}, OK),
        ("app name", {}, OK),
        ("app name", {"public_url": PUBLIC}, WARN),
        ("app name", {"public_url": PUBLIC, "app_name": "Acme Tasks"}, OK),
    ],
)
def test_settings_are_judged_together(name: str, overrides: dict[str, str], state: State):
    findings = checks_local.check_settings(settings_for("sqlite:////tmp/x.db", **overrides))

    assert state_of(findings, name) is state
    assert all(finding.fix for finding in findings if finding.state is not OK)


@pytest.mark.parametrize(
    ("overrides", "state"),
    [
        ({}, OK),
        ({"public_url": PUBLIC}, WARN),
        ({"public_url": PUBLIC, "rate_limit_storage": "memory://"}, WARN),
    ],
)
async def test_what_needs_no_server_is_judged_without_one(overrides: dict[str, str], state: State):
    settings = settings_for("sqlite:////tmp/x.db", **overrides)
    mailer = checks_network.open_mailer(settings)
    assert not isinstance(mailer, Finding)

    found = (
        checks_network.check_limits(settings)
        if "rate_limit_storage" in overrides
        else checks_network.check_mail(mailer, settings)
    )

    assert (await found).state is state


async def test_redis_answers_or_not(tmp_path: Path):
    with running_valkey(tmp_path) as server:
        settings = settings_for("sqlite:////tmp/x.db", rate_limit_storage=server.url)
        present = await checks_network.check_limits(settings)
        server.pause()
        slow = await checks_network.check_limits(settings)
    absent = await checks_network.check_limits(settings)
    nonsense = await checks_network.check_limits(
        settings_for("sqlite:////tmp/x.db", rate_limit_storage="redis://host:port/0")
    )

    assert [finding.state for finding in (present, slow, absent, nonsense)] == [OK, WARN, WARN, FAIL]


@pytest.mark.parametrize(("mebibytes", "state"), [(5000, OK), (1024, OK), (1023, WARN), (100, WARN), (99, FAIL)])
def test_little_space_is_told(mebibytes: int, state: State):
    assert checks_local.space_finding("disk", mebibytes * checks_local.MIB).state is state


def test_disks_are_those_the_service_writes_to(tmp_path: Path):
    settings = settings_for("", data_dir=tmp_path / "not" / "yet", log_file=tmp_path / "log" / "x.log", secret_key="")

    on_postgresql = settings_for("postgresql://user:word@db/focys", data_dir=tmp_path)

    assert [finding.name for finding in checks_local.check_disks(settings)] == ["disk of the data", "disk of the log"]
    assert [finding.name for finding in checks_local.check_disks(on_postgresql)] == ["disk"]


@pytest.mark.parametrize(
    ("is_local", "state", "expected"), [(True, OK, "none running"), (False, WARN, "does not respond")]
)
async def test_a_service_that_does_not_answer_is_a_warning_where_people_need_it(
    is_local: bool,  # noqa: FBT001
    state: State,
    expected: str,
):
    finding = await checks_network.check_workers(f"http://127.0.0.1:{free_port()}", is_local=is_local)

    assert finding.state is state
    assert expected in finding.detail


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        ("# TYPE focys_workers gauge\nfocys_workers 1.0\n", OK, "1 running"),
        ("# TYPE up gauge\nup 1.0\n", WARN, "not this service"),
        ("focys_workers one\n", WARN, "not this service"),
        ("focys_workers +Inf\n", WARN, "not this service"),
    ],
)
async def test_who_answers_is_told_from_others(answer: str, state: State, told: str):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(answer)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n{answer}".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        finding = await checks_network.check_workers(f"http://127.0.0.1:{port}", is_local=False)

    assert finding.state is state
    assert told in finding.detail


@pytest.mark.parametrize(
    ("piece", "pause", "told"), [(b"#", 0.05, "does not respond"), (b"#" * 65536, 0, "not this service")]
)
async def test_an_answer_without_end_is_given_up(
    piece: bytes, pause: float, told: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks_network, "RESPONSE_SECONDS", 2)
    sent, is_cut = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                await asyncio.sleep(pause)
        is_cut.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        finding = await checks_network.check_workers(f"http://127.0.0.1:{port}", is_local=False)
        await is_cut.wait()

    assert finding.state is WARN
    assert told in finding.detail
    assert sent < 10 * checks_network.MAX_BYTES


@pytest.mark.parametrize(
    ("path", "state"), [("new.log", OK), ("deeper/new.log", OK), ("old.log", OK), (".", FAIL), ("old.log/x", FAIL)]
)
def test_the_log_file_is_tried_and_not_made(tmp_path: Path, path: str, state: State):
    (tmp_path / "old.log").write_text("line\n")

    finding = checks_local.check_log_file(tmp_path / path)

    assert finding.state is state
    assert sorted(place.name for place in tmp_path.iterdir()) == ["old.log"]
    assert (tmp_path / "old.log").read_text() == "line\n"
    assert checks_local.check_log_file(None).state is OK


def test_pages_are_looked_for(tmp_path: Path):
    before = checks_local.check_pages(tmp_path)
    (tmp_path / "index.html").touch()

    assert (before.state, checks_local.check_pages(tmp_path).state) == (WARN, OK)


def test_pages_that_another_machine_serves_are_not_missed(tmp_path: Path):
    """As in the app's container, which has no frontend."""
    finding = checks_local.check_pages(tmp_path / "frontend" / "dist")

    assert finding.state is OK


@pytest.mark.parametrize(
    ("tag", "is_local", "state"),
    [
        ("cp310-abi3-linux_x86_64", False, OK),
        ("cp310-abi3-manylinux_2_28_x86_64", True, OK),
        ("cp310-abi3-manylinux_2_28_x86_64", False, WARN),
    ],
)
def test_a_stock_argon2_is_worth_a_word_in_production(tag: str, is_local: bool, state: State):  # noqa: FBT001
    assert checks_local.argon2_finding(f"Wheel-Version: 1.0\nTag: {tag}\n", is_local=is_local).state is state


def test_what_a_finding_quotes_is_no_command_for_a_terminal_in_a_ticket_either():
    quoted = Finding("schema", FAIL, "at \x1b]0;owned\x07", "focys migrate")

    text = as_text(Report(findings=[quoted]))

    assert "at ?]0;owned?" in text
    assert "\x1b" not in text
