"""``focys networks``: lists networks at or near a limit, and unlocks one."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from focys.features.audit import audit_events
from tests.cli.conftest import Focys
from tests.conftest import MakeWorld
from tests.features.lockout.test_wrong_passwords import guess, told
from tests.support.clock import FrozenClock
from tests.support.rows import rows_of
from tests.support.service import World
from tests.support.valkey import ValkeyServer, running_valkey

OFFICE, CAFE, SIX = "203.0.113.7", "198.51.100.200", "2001:db8:1:2:3:4:5:6"
NONE_NEAR = "No network is near a limit."


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(params=["database", "valkey"])
async def world(
    request: pytest.FixtureRequest, make_world: MakeWorld, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """The service on the commands' database and at their time, with its counts in the database or in Valkey."""
    valkey.ask("FLUSHALL")
    storage = valkey.url if request.param == "valkey" else "database"
    monkeypatch.setenv("RATE_LIMIT_STORAGE", storage)
    async with make_world(clock=FrozenClock(datetime.now(UTC)), rate_limit_storage=storage) as world:
        yield world


async def wrong(world: World, source: str, accounts: int, times: int = 1) -> None:
    """Enter wrong passwords for this many accounts, each this many times."""
    for i in range(accounts * times):
        await guess(world.a_browser(source), f"person{i % accounts}@student.com")


async def unlock_events(world: World) -> list[tuple[str, str | None, bool]]:
    events = [e for e in await rows_of(world, audit_events) if e.event == "network unlocked"]
    return [(e.outcome, e.detail, e.source.startswith("console:")) for e in events]


async def test_networks_at_or_near_a_limit_are_listed_in_full(
    world: World, focys: Focys, monkeypatch: pytest.MonkeyPatch
):
    """LOCK-10: in a pipe no column is cut off, however narrow the terminal would be."""
    monkeypatch.setenv("OWN_NETWORKS", "198.51.100.0/24")
    monkeypatch.setenv("OWN_NETWORK_PASSWORD_FAILURES", "40")
    monkeypatch.setenv("COLUMNS", "20")
    await wrong(world, OFFICE, 20)
    await wrong(world, CAFE, 5, times=4)
    await wrong(world, SIX, 10)
    await wrong(world, "192.0.2.1", 9)

    result = await to_thread(focys, "networks", "list")

    assert result.exit_code == 0, result.output
    head, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert head == ["Network", "State", "Wrong passwords", "Accounts", "Until (UTC)", "Own network"]
    assert [[*row[:4], row[5]] for row in rows] == [
        [OFFICE, "waits", "20 of 30", "20 of 20", "no"],
        [CAFE, "near", "20 of 40", "5 of 1000", "yes"],
        ["2001:db8:1:2::/64", "near", "10 of 30", "10 of 20", "no"],
    ]
    ends = [datetime.strptime(row[4], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) - world.clock.now() for row in rows]
    hour, quarter = timedelta(hours=1), timedelta(minutes=15)
    assert all(abs(end - due) < timedelta(seconds=30) for end, due in zip(ends, (hour, quarter, hour), strict=True))


@pytest.mark.usefixtures("terminal")
async def test_a_terminal_gets_a_table(world: World, focys: Focys):
    await wrong(world, OFFICE, 20)

    shown = (await to_thread(focys, "networks", "list")).stdout

    assert "Network" in shown.splitlines()[0]
    assert all(word in shown for word in (OFFICE, "waits", "20 of 30", "20 of 20"))
    assert "\t" not in shown


async def test_an_empty_list_says_so(world: World, focys: Focys):
    before = await to_thread(focys, "networks", "list")
    await wrong(world, OFFICE, 9)

    assert before.stderr.strip() == NONE_NEAR
    assert (await to_thread(focys, "networks", "list")).stderr.strip() == NONE_NEAR


@pytest.mark.parametrize(
    ("source", "given", "network"),
    [
        (OFFICE, OFFICE, OFFICE),
        (OFFICE, f" {OFFICE}/32 ", OFFICE),
        (OFFICE, f"::ffff:{OFFICE}", OFFICE),
        (SIX, "2001:DB8:1:2::99", "2001:db8:1:2::/64"),
        (SIX, "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
    ],
)
async def test_an_unlocked_network_can_sign_in_at_once(
    world: World, focys: Focys, source: str, given: str, network: str
):
    """LOCK-10: an address is enough; its set is empty again, and no other network's is."""
    account = await world.an_account()
    for place in (source, CAFE):
        await wrong(world, place, 20)
        assert told(await world.a_browser(place).sign_in_with_password(account))[0] == "throttled"

    result = await to_thread(focys, "networks", "unlock", given)

    assert (result.exit_code, result.stdout.strip()) == (
        0,
        f"✓ Unlocked {network}. Its wrong passwords no longer count.",
    ), result.output
    assert (await world.a_browser(source).sign_in_with_password(account)).json()["step"] == "email_code"
    await wrong(world, source, 19)
    assert told(await guess(world.a_browser(source), "another@student.com"))[0] == "invalid_credentials"
    assert told(await world.a_browser(CAFE).sign_in_with_password(account))[0] == "throttled"
    assert await unlock_events(world) == [("ok", network, True)]


async def test_failures_of_an_account_remain(world: World, focys: Focys):
    account = await world.an_account()
    await wrong(world, OFFICE, 1, times=5)
    for _ in range(5):
        await guess(world.a_browser(OFFICE), account.email)

    await to_thread(focys, "networks", "unlock", OFFICE)

    assert told(await world.a_browser(OFFICE).sign_in_with_password(account))[0] == "throttled"


async def test_unlocking_a_network_without_failures_changes_nothing(world: World, focys: Focys):
    """Right passwords leave nothing to clear."""
    await world.a_browser(OFFICE).sign_in_with_password(await world.an_account())

    result = await to_thread(focys, "networks", "unlock", OFFICE)

    assert (result.exit_code, result.stdout.strip()) == (
        0,
        f"There is nothing to clear: {OFFICE} has sent no wrong passwords recently.",
    )
    assert await unlock_events(world) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("office", "office is not a network: give an IP address, such as 203.0.113.7."),
        ("203.0.113", "203.0.113 is not a network: give an IP address, such as 203.0.113.7."),
        ("203.0.113.0/24", "203.0.113.0/24 is more than one network: give one IPv4 address, or one IPv6 /64."),
        ("2001:db8::/32", "2001:db8::/32 is more than one network: give one IPv4 address, or one IPv6 /64."),
        ("fe80::1%eth0", "fe80::1%eth0 is not a network: give an IP address, such as 203.0.113.7."),
        ("%", "% is not a network: give an IP address, such as 203.0.113.7."),
    ],
)
def test_an_invalid_network_is_refused(focys: Focys, text: str, sentence: str):
    result = focys("networks", "unlock", text)

    assert (result.exit_code, result.stderr.strip()) == (1, f"✗ {sentence}")


@pytest.mark.parametrize("asked", [("list",), ("unlock", OFFICE)])
@pytest.mark.parametrize(
    ("storage", "words"),
    [("memory://", "restart the service to clear them"), ("redis://127.0.0.1:9/0", "which does not respond")],
)
def test_unreachable_counters_are_reported(
    focys: Focys, monkeypatch: pytest.MonkeyPatch, storage: str, words: str, asked: tuple[str, ...]
):
    monkeypatch.setenv("RATE_LIMIT_STORAGE", storage)

    result = focys("networks", *asked)

    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
