"""What an operator sees of four workers: the guide's grep over the log, one line a failure, and the same in numbers."""

import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from focys import __version__
from focys.features.accounts import users
from focys.features.lockout import failed
from focys.infra.db.database import Change
from focys.services import build_services
from tests.conftest import SECRET_KEY, settings_for
from tests.deploy.shipped import unit_command, unit_environment
from tests.support import hash_costs
from tests.support.attempts import WRONG_BACKUP_CODE
from tests.support.canary import found_in
from tests.support.numbers import Numbers
from tests.support.processes import Server, copy_backend, environment, free_port, serving
from tests.support.service import Account
from tests.support.waiting import until
from tests.support.workers import RemoteBrowser, Workers, code_of, wrong_codes

WORKERS = 4
GREP = r'grep "TOTP\|MFA"'
"""The guide's own, behind its ``tail -f``."""


@dataclass
class Told:
    """A refused attempt, as its caller saw it, and what must stand in the log about it."""

    event: str
    reason: str
    account: Account | None
    browser: RemoteBrowser
    response: httpx.Response
    alarm: str | None = None


@dataclass
class Story:
    """All that was tried, and every secret that was shown or sent meanwhile."""

    told: list[Told] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    before: Numbers = field(default_factory=lambda: Numbers(""))


@pytest.fixture
def server(postgres_url: str, tmp_path: Path) -> Iterator[Server]:
    """The backend as the unit starts it, with its log file and its folder of numbers."""
    backend, port = copy_backend(tmp_path), free_port()
    settings = {**unit_environment(tmp_path), "DATABASE_URL": postgres_url, "SECRET_KEY": SECRET_KEY}
    settings["PUBLIC_URL"] = "http://127.0.0.1:8000"
    env = environment(backend, **settings)
    command = unit_command(tmp_path, port=port)
    running = Server(command, port=port, folder=backend, env=env, log=tmp_path / "output")
    with serving(running):
        yield running


@pytest.fixture
async def service(server: Server, postgres_url: str) -> AsyncIterator[Workers]:
    running = Workers([server], build_services(settings_for(postgres_url, **hash_costs.FULL)))
    yield running
    await running.close()


def numbers_of(server: Server) -> Numbers:
    return Numbers(httpx.get(f"{server.url}/metrics").text)


async def told_story(service: Workers, server: Server) -> Story:
    """Every way in which a second factor is refused, each on an account of its own."""
    story = Story(before=numbers_of(server))
    await _codes(service, story)
    await _locks(service, story)
    await _other_factors(service, story)
    await _what_should_not_be(service, story)
    return story


async def _codes(service: Workers, story: Story) -> None:
    account = await _enrolled(service, story)
    [browser] = await service.at_second_factor(account)
    wrong, right = wrong_codes(account, 1)[0], code_of(account)
    await _offer(story, browser, account, wrong, "invalid_code")
    await _offer(story, browser, account, code_of(account, -4), "code_expired")
    assert (await browser.offer(right)).status_code == 200
    [again] = await service.at_second_factor(account)
    await _offer(story, again, account, right, "code_already_used")
    await again.http.aclose()
    stranger = service.a_browser()
    response = await stranger.offer(wrong)
    story.told.append(Told("TOTP refused", "login_expired", None, stranger, response))


async def _locks(service: Workers, story: Story) -> None:
    account = await _enrolled(service, story)
    [browser] = await service.at_second_factor(account)
    for number, wrong in enumerate(wrong_codes(account, 5), start=1):
        await _offer(story, browser, account, wrong, "invalid_code", "factor_failing" if number == 3 else None)
    await _offer(story, browser, account, code_of(account), "account_locked")
    account = await _enrolled(service, story)
    ago = service.services.clock.now() - timedelta(days=2)
    await service.services.database.write(*(failed(account.id, None, uuid4(), ago) for _ in range(14)))
    [browser] = await service.at_second_factor(account)
    await _offer(story, browser, account, wrong_codes(account, 1)[0], "invalid_code", "guarded")
    await _offer(story, browser, account, code_of(account), "guarded")


async def _other_factors(service: Workers, story: Story) -> None:
    account = await _enrolled(service, story)
    [browser] = await service.at_second_factor(account)
    response = await browser.post("/auth/backup-code/verify", {"code": WRONG_BACKUP_CODE})
    story.told.append(Told("MFA backup code refused", "invalid_code", account, browser, response))
    newcomer = await service.an_account()
    [browser] = await service.at_enrollment(newcomer)
    story.secrets["pending secret"] = newcomer.secret or ""
    wrong = wrong_codes(newcomer, 1)[0]
    response = await browser.post("/auth/mfa/confirm", {"code": wrong})
    story.told.append(Told("MFA enrolment refused", "invalid_code", newcomer, browser, response))
    await _offer(story, browser, newcomer, wrong, "out_of_turn")


async def _what_should_not_be(service: Workers, story: Story) -> None:
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "factor_unreadable": ("secret_unreadable", {"totp_secret": "v1.spoiled"}),
        "clock_fault": ("clock_behind", {"totp_last_step": int(time.time()) // 30 + 1000}),
    }
    for reason, (alarm, values) in changes.items():
        account = await _enrolled(service, story)
        spoil = update(users).where(users.c.id == account.id).values(**values)
        await service.services.database.write(Change(spoil))
        [browser] = await service.at_second_factor(account)
        await _offer(story, browser, account, code_of(account), reason, alarm)


async def _enrolled(service: Workers, story: Story) -> Account:
    account = await service.an_account(enrolled=True)
    story.secrets |= {f"secret of {account.email}": account.secret or "", "password": account.password}
    return account


async def _offer(
    story: Story, browser: RemoteBrowser, account: Account, code: str, reason: str, alarm: str | None = None
) -> None:
    response = await browser.offer(code)
    story.secrets[f"code {len(story.told)}"] = code
    story.told.append(Told("TOTP refused", reason, account, browser, response, alarm))


async def test_the_guides_grep_finds_every_failure_once(service: Workers, server: Server, tmp_path: Path):
    """LOG-01, LOG-02, LOG-06: with time, user, source, reason and request, and never a code or a secret."""
    story = await told_story(service, server)
    log = tmp_path / "var" / "log" / "focys" / "backend.log"

    lines = grepped(log)

    by_request = {line["request_id"]: line for line in lines if line["event"].endswith("refused")}
    assert len(by_request) == len([line for line in lines if line["event"].endswith("refused")]) == len(story.told)
    for told in story.told:
        line = by_request[told.response.headers["X-Request-ID"]]
        assert not told.response.is_success
        assert (line["event"], line["reason"]) == (told.event, told.reason)
        assert line.get("user_id") == (str(told.account.id) if told.account else None)
        assert line["source"] == told.browser.source
        assert line["timestamp"].endswith("Z")
        assert (line.get("alarm"), line["level"]) == (told.alarm, "warning" if told.alarm else "info")
    reasons = {told.reason for told in story.told}
    assert {"invalid_code", "code_already_used", "code_expired", "account_locked", "guarded", "out_of_turn"} < reasons
    assert found_in(log.read_text(), story.secrets) == []


def grepped(log: Path) -> list[dict[str, Any]]:
    found = subprocess.run(f"{GREP} {log}", shell=True, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in found.splitlines()]


async def test_the_metrics_of_all_workers_agree_with_the_log(service: Workers, server: Server):
    """LOG-06, LOG-07: TOTP by reason, locks by rung, alarms, emails, QR codes, hashes, offsets, and no id or address."""
    story = await told_story(service, server)
    [spare] = await service.at_second_factor(await service.an_account(enrolled=True))
    now = numbers_of(server)

    def grown(name: str, **labels: str) -> float:
        return now.of(name, **labels) - story.before.of(name, **labels)

    reasons = [told.reason for told in story.told if told.event == "TOTP refused"]
    counted = {reason: grown("focys_events_total", event="TOTP", reason=reason) for reason in set(reasons)}
    assert counted == {reason: reasons.count(reason) for reason in set(reasons)}
    assert grown("focys_events_total", event="TOTP", outcome="ok") == 1
    assert [grown("focys_lockouts_total", rung=rung) for rung in ("5", "10", "guarded")] == [1, 0, 1]
    alarms = [told.alarm for told in story.told if told.alarm]
    assert {alarm: grown("focys_alarms_total", alarm=alarm) for alarm in alarms} == dict.fromkeys(alarms, 1)
    assert (grown("focys_qr_seconds_count"), grown("focys_qr_faults_total")) == (1, 0)
    assert grown("focys_mails_total", kind="email_code", outcome="sent") == 1
    assert grown("focys_argon2_seconds_count") >= 10
    assert grown("focys_totp_offset_seconds_bucket", le="0.0") == grown("focys_totp_offset_seconds_count") == 1
    assert abs(now.of("focys_clock_offset_seconds")) < 1
    assert (now.of("focys_database_up"), now.of("focys_database_pool_size")) == (1, 8 * WORKERS)
    people = {value for told in story.told if told.account for value in (str(told.account.id), told.account.email)}
    labels = {value for sample in now.samples for value in sample.labels.values()}
    assert labels & (people | {told.browser.source for told in story.told} | {spare.source}) == set()


async def test_token_reuse_and_a_factor_reset_raise_alarms(service: Workers, server: Server, tmp_path: Path):
    account = await service.an_account(enrolled=True)
    [browser] = await service.at_second_factor(account)
    await browser.offer(code_of(account))
    stolen = dict(browser.http.cookies)
    for _ in range(2):
        await service.a_minute_later(account)
        assert (await browser.post("/auth/refresh")).status_code == 200
    thief = service.a_browser()
    thief.http.cookies.update(stolen)

    assert (await thief.post("/auth/refresh")).status_code == 401

    lines = (tmp_path / "var" / "log" / "focys" / "backend.log").read_text().splitlines()
    [line] = [json.loads(line) for line in lines if '"alarm"' in line]
    assert (line["event"], line["alarm"]) == ("session refresh refused", "refresh_token_reused")
    assert numbers_of(server).of("focys_alarms_total", alarm="refresh_token_reused") == 1


def test_a_killed_workers_counts_are_kept(server: Server):
    """Its gauges go, its counters stay, and the one in its place is seen to begin."""
    for _ in range(40):
        httpx.get(f"{server.url}/health/live")
    before = numbers_of(server)
    victim = server.children()[0]

    os.kill(victim, signal.SIGKILL)

    until(lambda: victim not in server.children() and len(server.children()) == WORKERS)
    until(lambda: numbers_of(server).of("focys_workers") == WORKERS)
    after = numbers_of(server)
    counted = {"route": "/health/live", "status": "200"}
    assert before.of("focys_workers") == WORKERS
    assert after.of("focys_request_seconds_count", **counted) == before.of("focys_request_seconds_count", **counted)
    assert after.of("focys_worker_start_time_seconds") > before.of("focys_worker_start_time_seconds")
    assert (after.of("focys_database_pool_size"), after.of("focys_database_up")) == (8 * WORKERS, 1)
    assert [sample.labels for sample in after.having("focys_build_info")] == [{"version": __version__}]
    assert not any("pid" in sample.labels for sample in after.samples)
