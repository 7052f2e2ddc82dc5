"""The doctor's checks one by one."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from focys.cli.doctor import checks_database, checks_local, checks_mail, checks_network, checks_service
from focys.cli.doctor.report import Finding, Report, State, as_text
from focys.features.totp import SecretsByKey
from focys.infra.db.rights import Rights
from focys.infra.mail.mailer import MailError, mailer_for
from tests.conftest import settings_for
from tests.support.clock import NOON
from tests.support.processes import free_port
from tests.support.valkey import running_valkey

PUBLIC = "https://login.example.com"
OK, WARN, FAIL = State.OK, State.WARN, State.FAIL


def state_of(findings: list[Finding], name: str) -> State:
    return next(finding.state for finding in findings if finding.name == name)


WELL = Rights(rules_the_server=False, has_powers=False, changes_tables=False, changes_the_audit=False)


def excess(*names: str) -> Rights:
    changed: dict[str, Any] = dict.fromkeys(names, True)
    return replace(WELL, **changed)


BEHIND_PROXY = settings_for("sqlite:////tmp/x.db", public_url=PUBLIC, trusted_proxies="1.1.1.1")
SLOW_WHEEL, OWN_WHEEL = (f"Wheel-Version: 1.0\nTag: cp310-abi3-{tag}_x86_64\n" for tag in ("manylinux_2_28", "linux"))
JUDGED = [
    *(
        (checks_database.keys_finding(SecretsByKey(*counted), fallbacks=fallbacks), state, "")
        for counted, fallbacks, state in [
            ((0, 0, 0), 0, OK),
            ((9, 0, 0), 1, WARN),
            ((9, 1, 0), 1, WARN),
            ((9, 0, 1), 0, FAIL),
            ((0, 9, 1), 1, FAIL),
        ]
    ),
    *(
        (checks_database.rights_finding(excess(*changed)), WARN, told)
        for changed, told in [
            (["changes_the_audit"], "can change audit events"),
            (["changes_tables", "changes_the_audit"], "can change tables, can change audit"),
            (["has_powers"], "can create databases or roles"),
            (["rules_the_server", "has_powers"], "is a superuser"),
        ]
    ),
    (checks_database.rights_finding(WELL), OK, "can only add to the audit"),
    (
        checks_database.rights_finding(replace(WELL, missing=("INSERT on throttles",))),
        FAIL,
        "lacks INSERT on throttles",
    ),
    (checks_database.rights_finding(replace(WELL, missing=tuple("abcde"))), FAIL, "lacks a, b, c and 2 more"),
    *(
        (checks_local.addresses_finding(lone, BEHIND_PROXY), state, "")
        for lone, state in [
            (None, OK),
            ((10, "8.8.8.8"), OK),
            ((10, "127.0.0.1"), WARN),
            ((500, "10.1.2.3"), WARN),
            ((10, "1.1.1.1"), WARN),
        ]
    ),
    *(
        (checks_database.clock_finding(NOON + timedelta(seconds=seconds), NOON), state, told)
        for seconds, state, told in [
            (0, OK, ""),
            (1, OK, ""),
            (-2, WARN, "behind"),
            (14, WARN, "ahead"),
            (-15, FAIL, "behind"),
            (3600, FAIL, "ahead"),
        ]
    ),
    *(
        (checks_database.phones_finding(offsets), state, told)
        for offsets, state, told in [
            ({}, OK, "0 have"),
            ({1: 4}, OK, "4 have"),
            ({0: 6, 1: 4}, OK, "agree"),
            ({0: 5, 1: 5}, OK, "agree"),
            ({-1: 3, 0: 4, 1: 3}, OK, "agree"),
            ({0: 4, 1: 6}, FAIL, "30 s behind"),
            ({-1: 6, 0: 3, 1: 1}, FAIL, "30 s ahead"),
        ]
    ),
    (checks_mail.outbox_finding(0), OK, ""),
    (checks_mail.outbox_finding(1), WARN, ""),
    (checks_mail.outbox_finding(2, MailError("SMTPRecipientRefused 550")), WARN, "refuses the oldest"),
    *(
        (checks_local.space_finding("disk", mebibytes * checks_local.MIB), state, "")
        for mebibytes, state in [(5000, OK), (1024, OK), (1023, WARN), (100, WARN), (99, FAIL)]
    ),
    *(
        (checks_local.argon2_finding(wheel, is_local=is_local), state, "")
        for wheel, is_local, state in [(OWN_WHEEL, False, OK), (SLOW_WHEEL, True, OK), (SLOW_WHEEL, False, WARN)]
    ),
    *(
        (checks_network.forwarding_finding(status, source), state, "")
        for status, source, state in [
            (401, "203.0.113.9", OK),
            (401, "127.0.0.1", OK),
            (401, checks_network.CLAIMED, FAIL),
            (401, None, WARN),
            (502, None, WARN),
        ]
    ),
]


@pytest.mark.parametrize(("finding", "state", "told"), JUDGED)
def test_each_check_judges_what_it_was_given(finding: Finding, state: State, told: str):
    """CFG-03, CFG-06, CFG-09, LOCK-10, LOG-04: and has a fix for whatever is not well."""
    assert finding.state is state
    assert told in finding.detail
    assert bool(finding.fix) is (state is not OK)
    assert "1.1.1.1" not in finding.detail


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"missing": ("SELECT on users",)}, "/app/deploy/postgres/grants.sql focys_db"),
        ({"changes_the_audit": True}, "/app/deploy/postgres/grants.sql focys_db"),
        ({"changes_tables": True}, "roles.sql"),
        ({"has_powers": True}, "ALTER ROLE focys NOSUPERUSER"),
        ({"rules_the_server": True}, "ALTER ROLE focys NOSUPERUSER"),
    ],
)
def test_wrong_rights_have_their_own_fix(changed: dict[str, Any], told: str):
    finding = checks_database.rights_finding(replace(WELL, **changed))

    assert told in finding.fix


@pytest.mark.parametrize(
    ("name", "overrides", "state"),
    [
        ("public url", {"public_url": PUBLIC}, OK),
        ("public url", {"public_url": "http://localhost:8000"}, OK),
        ("cors origins", {}, OK),
        ("cors origins", {"public_url": PUBLIC}, WARN),
        ("cors origins", {"public_url": PUBLIC, "cors_origins": "http://localhost:3000"}, WARN),
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
async def test_settings_without_a_server_are_checked_without_one(overrides: dict[str, str], state: State):
    settings = settings_for("sqlite:////tmp/x.db", **overrides)
    mailer = mailer_for(settings)

    found = (
        checks_network.check_limits(settings)
        if "rate_limit_storage" in overrides
        else checks_mail.check_mail(mailer, settings)
    )

    assert (await found).state is state


async def test_redis_is_checked(tmp_path: Path):
    with running_valkey(tmp_path) as server:
        settings = settings_for("sqlite:////tmp/x.db", rate_limit_storage=server.url)
        present = await checks_network.check_limits(settings)
        server.pause()
        slow = await checks_network.check_limits(settings)
    absent = await checks_network.check_limits(settings)
    nonsense = await checks_network.check_limits(
        settings_for("sqlite:////tmp/x.db", rate_limit_storage="redis://localhost?socket_timeout=long")
    )

    assert [finding.state for finding in (present, slow, absent, nonsense)] == [OK, WARN, WARN, FAIL]


def test_only_the_disks_that_the_service_writes_to_are_checked(tmp_path: Path):
    settings = settings_for("", data_dir=tmp_path / "not" / "yet", log_file=tmp_path / "log" / "x.log", secret_key="")

    on_postgresql = settings_for("postgresql://user:word@db/focys", data_dir=tmp_path)

    assert [finding.name for finding in checks_local.check_disks(settings)] == ["disk of the data", "disk of the log"]
    assert [finding.name for finding in checks_local.check_disks(on_postgresql)][:1] == ["disk"]


@pytest.mark.parametrize(
    ("is_local", "state", "expected"), [(True, OK, "none running"), (False, FAIL, "does not respond")]
)
async def test_a_service_that_does_not_respond_is_a_failure_in_production(
    is_local: bool,  # noqa: FBT001
    state: State,
    expected: str,
):
    [finding] = await checks_service.check_service(f"http://127.0.0.1:{free_port()}", is_local=is_local)

    assert finding.state is state
    assert expected in finding.detail


@pytest.mark.parametrize(
    ("response", "state", "told"),
    [
        ("# TYPE focys_workers gauge\nfocys_workers 1.0\n", OK, "1 running"),
        ("# TYPE up gauge\nup 1.0\n", WARN, "not this service"),
        ("focys_workers one\n", WARN, "not this service"),
        ("focys_workers +Inf\n", WARN, "not this service"),
    ],
)
async def test_only_our_own_service_counts_as_running(response: str, state: State, told: str):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(response)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n{response}".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        [finding, *_] = await checks_service.check_service(f"http://127.0.0.1:{port}", is_local=False)

    assert finding.state is state
    assert told in finding.detail


@pytest.mark.parametrize(
    ("piece", "pause", "told"), [(b"#", 0.05, "does not respond"), (b"#" * 65536, 0, "not this service")]
)
async def test_an_endless_response_is_cut_off(piece: bytes, pause: float, told: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks_service, "RESPONSE_SECONDS", 2)
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
        [finding, *_] = await checks_service.check_service(f"http://127.0.0.1:{port}", is_local=False)
        await is_cut.wait()

    assert finding.state is not OK
    assert told in finding.detail
    assert sent < 10 * checks_service.MAX_BYTES


@pytest.mark.parametrize(
    ("path", "state"), [("new.log", OK), ("deeper/new.log", OK), ("old.log", OK), (".", FAIL), ("old.log/x", FAIL)]
)
def test_the_log_file_is_checked_without_creating_it(tmp_path: Path, path: str, state: State):
    (tmp_path / "old.log").write_text("line\n")

    finding = checks_local.check_log_file(tmp_path / path)

    assert finding.state is state
    assert sorted(place.name for place in tmp_path.iterdir()) == ["old.log"]
    assert (tmp_path / "old.log").read_text() == "line\n"
    assert checks_local.check_log_file(None).state is OK


def test_missing_pages_are_a_warning(tmp_path: Path):
    before = checks_local.check_pages(tmp_path)
    (tmp_path / "index.html").touch()

    assert (before.state, checks_local.check_pages(tmp_path).state) == (WARN, OK)


def test_pages_served_by_another_machine_are_not_missed(tmp_path: Path):
    """As in the app's container, which has no frontend."""
    finding = checks_local.check_pages(tmp_path / "frontend" / "dist")

    assert finding.state is OK


def test_control_characters_are_removed_from_the_support_text():
    quoted = Finding("schema", FAIL, "at \x1b]0;owned\x07", "focys migrate")

    text = as_text(Report(findings=[quoted]))

    assert "at ?]0;owned?" in text
    assert "\x1b" not in text
