"""``focys audit list``: what happened to an account, in plain words."""

import json
from asyncio import to_thread
from datetime import timedelta

import pytest

from focys.features.audit import AuditEvent, Outcome, insert_event
from focys.features.totp.events import Event
from focys.services import EVENTS, FEATURES
from tests.cli.conftest import Focys
from tests.support.service import ADDRESS, OPERATOR, Account, World


async def events_of(focys: Focys, *options: str) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads(
        (await to_thread(focys, "audit", "list", ADDRESS, "--json", *options)).stdout
    )
    return listed


async def many_events(world: World, account: Account, count: int) -> None:
    for number in range(count):
        at = world.clock.now() - timedelta(hours=number + 1)
        event = AuditEvent(Event.TOTP, Outcome.OK, account.id, detail=str(number))
        await world.services.database.write(insert_event(event, OPERATOR, at))


def test_every_event_has_words():
    """A reason's code in the place of the words has no space."""
    assert [event for event in EVENTS.values() if " " not in event.done or " " not in event.refused] == []
    assert {*EVENTS} == {str(event) for feature in FEATURES for event in feature.events}


async def test_the_newest_event_comes_first_in_plain_words(world: World, focys: Focys):
    """Nobody needs SQL to see what happened."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    world.clock.advance(seconds=1)
    await browser.offer("000000")
    world.clock.advance(seconds=1)
    await to_thread(focys, "users", "unlock", ADDRESS)

    head, *rows = [line.split("\t") for line in (await to_thread(focys, "audit", "list", ADDRESS)).stdout.splitlines()]

    assert head == ["Time (UTC)", "What happened", "From", "Detail"]
    words = [row[1] for row in rows]
    assert words[0] == "the code from the app was refused: wrong code"
    assert {"right password", "set up an authenticator and signed in", "an operator unlocked the account"} <= {*words}
    assert rows[0][2] == "192.0.2.1"
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)


async def test_filters_by_time_and_event(world: World, focys: Focys):
    account = await world.an_account()
    await many_events(world, account, 5)

    recent = await events_of(focys, "--since", "150m", "--event", "totp")
    created = await events_of(focys, "--event", "account created")

    assert [event["detail"] for event in recent] == ["0", "1"]
    assert [event["event"] for event in created] == ["account created"]
    assert await events_of(focys, "--since", "2999-01-01") == []


async def test_a_long_history_comes_in_pages(world: World, focys: Focys):
    account = await world.an_account()
    await many_events(world, account, 60)

    first = await to_thread(focys, "audit", "list", ADDRESS, "--event", "TOTP")
    second = await events_of(focys, "--event", "TOTP", "--page", "2")

    assert len(first.stdout.splitlines()) == 1 + 50
    assert "--page 2" in first.stderr
    assert [event["detail"] for event in second] == [str(number) for number in range(50, 60)]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--since", "yesterday"], "Give a duration or a date: --since 7d"),
        (["--since", "2026-02-30"], "Give a duration or a date: --since 7d"),
        (["--event", "account create"], "There is no event 'account create'. Did you mean account created"),
    ],
)
def test_an_unknown_filter_is_refused(focys: Focys, options: list[str], sentence: str):
    result = focys("audit", "list", ADDRESS, *options)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"✗ {sentence}")
