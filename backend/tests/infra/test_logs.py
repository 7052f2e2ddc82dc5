"""What is told, to whom, and what never is."""

import io
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from focys.features.audit import audit_events
from focys.features.outbox import outbox
from focys.infra.db.database import metadata
from focys.infra.ops import logs
from focys.infra.ops.log_file import acting_as_owner_of, open_log
from focys.settings import SettingsError
from tests.conftest import MakeWorld
from tests.support.canary import Life, found_in, live
from tests.support.raw import raw_request
from tests.support.rows import rows_of
from tests.support.service import OPERATOR, World

TRICKS = [
    'x\n{"event": "TOTP ok"}',
    "x\r\nTOTP ok",
    "x\x1b[2J\x1b[31mred",
    "x\x00y",
    "x\x85y\u2028z\u2029",
    "x\u202eko POTT",
    'x", "event": "TOTP ok',
    "x\ud800y",
    "event='TOTP ok' user_id=1",
]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


async def everything_stored(world: World) -> str:
    """All rows of all tables, as text."""
    rows = [row for table in metadata.sorted_tables for row in await world.services.database.rows(select(table))]
    return "\n".join(str(row) for row in rows)


async def test_no_secret_is_logged_or_stored(make_world: MakeWorld, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """LOG-02, EOTP-03, EOTP-09, TOTP-12: a canary run."""
    log = tmp_path / "focys.log"
    async with make_world(log_file=log) as world:
        life = await live(world)
        facts = "\n".join(str(row) for row in await rows_of(world, audit_events))
        emails = "\n".join(str(row) for row in await rows_of(world, outbox))
        stored = await everything_stored(world)

    console = "".join(capfd.readouterr())
    assert len(life.secrets) > 25
    assert {"audit rows": len(facts) > 1000, "log": log.stat().st_size > 1000, "emails": "email_code" in emails} == {
        "audit rows": True,
        "log": True,
        "emails": True,
    }
    assert found_in(log.read_text(), life.secrets) == []
    assert found_in(console, life.secrets) == []
    assert found_in(facts, life.secrets) == []
    assert found_in(emails, life.secrets) == []
    assert found_in(stored, life.secrets) == []


async def test_no_response_shows_the_secret_after_enrollment(world: World):
    life: Life = await live(world)

    enrollment = {name: life.secrets[name] for name in ("secret", "otpauth", "QR code")}
    assert len(life.after_activation) > 12
    for response in life.after_activation:
        assert found_in(f"{response.text}{response.headers}", enrollment) == []


async def test_no_response_repeats_a_password_or_code(world: World):
    life = await live(world)

    sent = {
        name: life.secrets[name] for name in ("password", "wrong password", "wrong code", "mailed code", "second code")
    }
    assert not any(found_in(f"{response.text}{response.headers}", sent) for response in life.responses)


async def test_a_fault_is_logged_without_its_values(
    make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """LOG-02: an exception's text and a traceback's lines may hold what the caller sent."""
    log = tmp_path / "focys.log"

    async def fail(_: object, address: str, password: str, *__: object) -> None:
        raise RuntimeError(f"no luck with {password}")

    async with make_world(log_file=log) as world:
        monkeypatch.setattr(type(world.services.login), "start", fail)
        response = await world.a_browser().post("/auth/login", {"email": "a@b.test", "password": "canary-In-A-Fault"})

    assert response.status_code == 500
    [fault] = [line for line in lines_of(log) if line["event"] == "fault"]
    assert fault["kind"] == "RuntimeError"
    assert fault["where"].partition(":")[0].endswith(".py")
    assert fault["request_id"] == response.headers["X-Request-ID"]
    assert "canary" not in log.read_text()
    assert "canary" not in response.text


EVENTS = {
    "account created": ("ok", None),
    "password": ("refused", "invalid_credentials"),
    "email code": ("refused", "invalid_code"),
    "MFA enrolment": ("refused", "invalid_code"),
    "TOTP": ("refused", "invalid_code"),
    "MFA backup code": ("refused", "invalid_code"),
    "session refresh": ("ok", None),
    "sign-out": ("ok", None),
    "login cancelled": ("ok", None),
    "MFA enrolment started": ("ok", None),
    "account disabled": ("ok", None),
    "account enabled": ("ok", None),
    "password set": ("ok", None),
    "MFA reset": ("ok", None),
    "MFA unlocked": ("ok", None),
}


async def test_every_event_is_one_audit_row_and_one_log_line(make_world: MakeWorld, tmp_path: Path):
    log = tmp_path / "focys.log"
    async with make_world(log_file=log) as world:
        await live(world)
        address = "canary@student.com"
        for disabled in (True, False):
            await world.services.accounts.set_disabled(address, OPERATOR, disabled=disabled)
        await world.services.administration.set_password(address, "violet-quarry-tandem-77", OPERATOR)
        await world.services.administration.reset_mfa(address, OPERATOR)
        await world.services.administration.unlock(address, OPERATOR)
        rows = await rows_of(world, audit_events)

    # What changes nothing, such as a code behind a lock, is a line only.
    lines = [line for line in lines_of(log) if "source" in line and line.get("reason") != "login_expired"]
    told = sorted((f"{row.event} {row.outcome}", row.reason, row.source, row.request_id) for row in rows)
    logged = sorted((line["event"], line.get("reason"), line["source"], line["request_id"]) for line in lines)
    assert told == logged or sorted(map(str, told)) == sorted(map(str, logged))
    for name, (outcome, reason) in EVENTS.items():
        assert any((row.event, row.outcome, row.reason) == (name, outcome, reason) for row in rows), name
    for row in rows:
        assert row.at.utcoffset() is not None
        assert row.source
        assert row.request_id
        assert row.user_id is not None
    for line in lines:
        assert line["timestamp"].endswith("Z")
        assert {"level", "event", "source", "request_id"} <= set(line)


async def test_an_unknown_address_is_not_logged(make_world: MakeWorld, tmp_path: Path):
    """LOG-02, LOG-07: people type passwords into the wrong field."""
    log = tmp_path / "focys.log"
    async with make_world(log_file=log) as world:
        await world.a_browser().post("/auth/login", {"email": "canary-stranger@student.com", "password": "x"})
        [row] = await rows_of(world, audit_events)

    assert (row.event, row.outcome, row.user_id) == ("password", "refused", None)
    assert "canary-stranger" not in log.read_text() + str(row)


@pytest.mark.parametrize("trick", range(len(TRICKS)))
@pytest.mark.parametrize("pretty", [False, True])
def test_no_input_can_forge_a_log_line(capsys: pytest.CaptureFixture[str], trick: int, *, pretty: bool):
    """LOG-03: the last line of defense; callers' text is not logged in the first place."""
    logs.configure(pretty=pretty)
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)  # type: ignore[attr-defined]

    logs.logger("test").warning("something", typed=TRICKS[trick])
    logging.getLogger("a.library").warning("it said %s", TRICKS[trick])

    written = stream.getvalue()
    assert len(written.splitlines()) == 2, written
    assert written.isascii() or pretty
    if not pretty:
        first, second = (json.loads(line) for line in written.splitlines())
        assert (first["event"], first["typed"]) == ("something", TRICKS[trick])
        assert second["event"] == f"it said {TRICKS[trick]}"
    assert not any(character in written for character in "\x1b\x00\r\x85\u2028\u2029\u202e\ud800")


async def test_malicious_fields_and_headers_leave_the_log_intact(make_world: MakeWorld, tmp_path: Path):
    log = tmp_path / "focys.log"
    async with make_world(log_file=log) as world:
        for i, trick in enumerate(TRICKS):
            raw = trick.encode("utf-8", "surrogatepass")
            headers = [(b"user-agent", raw), (b"x-request-id", raw), (b"content-type", b"application/json")]
            typed = json.dumps({"email": f"a{trick}@b.test", "password": trick}).encode()
            plain = json.dumps({"email": f"a{i}@b.test", "password": "wrong"}).encode()

            responses = [
                await raw_request(world.app, "/auth/login", method="POST", headers=headers, chunks=[body])
                for body in (typed, plain)
            ]
            await raw_request(world.app, f"/auth/{trick.encode('utf-8', 'replace').decode()}", headers=headers)

            assert [response.status_code for response in responses] == [422, 401], trick
        rows = await rows_of(world, audit_events)

    text = log.read_text(encoding="ascii")
    assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
    assert not any(line["event"].startswith("TOTP") for line in lines_of(log))
    assert len(rows) == len(TRICKS)
    assert not any("POTT" in str(row) or "TOTP" in str(row) for row in rows)


def test_a_log_file_that_cannot_be_written_is_a_problem_of_the_settings(tmp_path: Path):
    log = tmp_path / "backend.log"
    log.mkdir()

    with pytest.raises(SettingsError, match=f"^LOG_FILE: {log} cannot be written"):
        logs.configure(log_file=log)


def test_root_opens_the_log_file_as_the_owner_of_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Otherwise the service could not write a file that a command of root created, or could have root write any other."""
    acted: list[str] = []
    owner = SimpleNamespace(st_uid=12345, st_gid=12346)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("os.getegid", lambda: 0)
    monkeypatch.setattr("os.seteuid", lambda user: acted.append(f"user {user}"))
    monkeypatch.setattr("os.setegid", lambda group: acted.append(f"group {group}"))
    monkeypatch.setattr(Path, "stat", lambda *_arguments, **_named: owner)

    with acting_as_owner_of(tmp_path):
        acted.append("opened")

    assert acted == ["group 12346", "user 12345", "opened", "user 0", "group 0"]


def test_only_the_owner_writes_the_log_file_and_only_its_group_reads_it(tmp_path: Path):
    open_log(tmp_path / "backend.log").close()

    assert (tmp_path / "backend.log").stat().st_mode & 0o777 == 0o640


def test_a_log_file_that_can_no_longer_be_opened_stops_nobody(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
):
    log = tmp_path / "backend.log"
    logs.configure(log_file=log, pretty=False)
    log.unlink()
    log.mkdir()

    logs.logger("test").info("first")
    log.rmdir()
    logs.logger("test").info("second")

    assert '"event": "first"' in capfd.readouterr().err
    assert [line["event"] for line in lines_of(log)] == ["second"]
