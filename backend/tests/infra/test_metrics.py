"""``/metrics``: what happened is counted by name, and nobody can be told from it."""

import re
from collections.abc import Iterator
from itertools import count

from tests.support.canary import found_in, live
from tests.support.numbers import scrape
from tests.support.service import Account, World

WORKERS = 4
REQUESTS = 40
LABELS = {
    "event",
    "outcome",
    "reason",
    "alarm",
    "rung",
    "limit",
    "email",
    "kind",
    "whom",
    "part",
    "method",
    "route",
    "status",
    "le",
}
OF_PYTHON = {"generation", "implementation", "major", "minor", "patchlevel", "version"}


def wrong_codes(world: World, account: Account) -> Iterator[str]:
    near = {account.code(world.clock, steps) for steps in range(-15, 16)}
    return (f"{number:06}" for number in count() if f"{number:06}" not in near)


async def test_the_events_of_a_sign_in_are_counted(lone_world: World):
    """LOG-07. The numbers belong to the process, so they are compared with those before."""
    browser = lone_world.a_browser()
    before = await scrape(browser)

    account = await lone_world.an_account(enrolled=True)
    browser = await lone_world.at_second_factor(account, browser)
    assert (await browser.offer(next(wrong_codes(lone_world, account)))).status_code == 401
    assert (await browser.offer(account.code(lone_world.clock, 1))).status_code == 200
    after = await scrape(browser)

    def grown(name: str, **labels: str) -> float:
        return after.of(name, **labels) - before.of(name, **labels)

    assert grown("focys_events_total", event="password", outcome="ok") == 2
    assert grown("focys_events_total", event="email code", outcome="ok") == 1
    assert grown("focys_events_total", event="MFA enrolment", outcome="ok") == 1
    assert grown("focys_events_total", event="TOTP", outcome="ok") == 1
    assert grown("focys_events_total", event="TOTP", outcome="refused", reason="invalid_code") == 1
    assert grown("focys_qr_seconds_count") == 1
    assert grown("focys_mails_total", kind="email_code", outcome="sent") == 1
    assert grown("focys_totp_offset_seconds_count") >= 1
    assert grown("focys_argon2_seconds_count") >= 3
    assert grown("focys_request_seconds_count", route="/auth/totp/verify", status="200") == 1
    assert grown("focys_request_seconds_count", route="/auth/totp/verify", status="401") == 1


async def test_each_lock_is_counted(lone_world: World):
    account = await lone_world.an_account(enrolled=True)
    browser = await lone_world.at_second_factor(account)
    before = await scrape(browser)

    wrong = wrong_codes(lone_world, account)
    responses = [(await browser.offer(next(wrong))).status_code for _ in range(7)]
    after = await scrape(browser)

    assert responses == [401] * 4 + [429] * 3
    assert after.of("focys_lockouts_total", rung="5") - before.of("focys_lockouts_total", rung="5") == 1
    assert after.of("focys_lockouts_total", rung="10") == before.of("focys_lockouts_total", rung="10")
    locked = {"event": "TOTP", "outcome": "refused", "reason": "account_locked"}
    assert after.of("focys_events_total", **locked) > before.of("focys_events_total", **locked)


async def test_the_metrics_identify_nobody(lone_world: World):
    """LOG-07: a whole life with canaries, and paths, methods and hosts that nobody has."""
    life = await live(lone_world)
    browser = lone_world.a_browser("203.0.113.200")
    for path in ("/canary-path", "/auth/canary@student.com", "/health/live?canary=1"):
        await browser.get(path)
    await browser.http.request("CANARY", "/auth/login")
    users = [str(row.id) for row in await lone_world.services.accounts.list_all()]

    numbers = await scrape(browser)

    assert numbers.of("focys_events_total") > 0
    assert found_in(numbers.text, life.secrets) == []
    assert "canary" not in numbers.text.lower()
    assert "@" not in numbers.text
    assert [user for user in users if user in numbers.text or user.replace("-", "") in numbers.text] == []
    assert re.findall(r"\d+\.\d+\.\d+\.\d+", numbers.text) == []
    assert {label for sample in numbers.samples for label in sample.labels} - OF_PYTHON <= LABELS
