"""Codes at sign-in: the window, the one use, what is told of refused ones, clocks, and factors that cannot be read."""

import time
from datetime import UTC, datetime

import pytest

from focys.features.accounts import users
from focys.settings import SettingsError, load_settings
from tests.conftest import MakeWorld, settings_for
from tests.support.attempts import at_enrollment, at_mailed_code, confirm, use_backup_code, wrong_code
from tests.support.clock import NOON, FrozenClock
from tests.support.rows import execute, rows_of
from tests.support.service import OPERATOR, Account, Browser, World


async def offers(world: World, account: Account, code: str) -> dict[str, object]:
    """What a fresh login is told of a code."""
    response = await (await world.at_second_factor(account)).offer(code)
    told: dict[str, object] = response.json()
    return told


@pytest.mark.parametrize(("window", "accepted"), [(1, {-1, 0, 1}), (0, {0})])
async def test_the_window_is_one_step_or_none(make_world: MakeWorld, window: int, accepted: set[int]):
    taken = set()
    async with make_world(totp_window=window) as world:
        account = await world.an_account(enrolled=True)
        for steps in range(-3, 4):
            world.clock.advance(minutes=5)
            if (await offers(world, account, account.code(world.clock, steps))).get("step") == "done":
                taken.add(steps)
            await world.services.administration.unlock(account.email, OPERATOR)

    assert taken == accepted


def test_a_wider_window_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOTP_WINDOW", "2")

    with pytest.raises(SettingsError) as refused:
        load_settings(_env_file=None)

    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["TOTP_WINDOW"]


@pytest.mark.parametrize("first", [-1, 0, 1])
async def test_using_a_code_uses_up_all_earlier_ones(world: World, first: int):
    """TOTP-04, TOTP-05: in any order, from any browser, for as long as the window lasts."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=5)
    codes = {steps: account.code(world.clock, steps) for steps in (-1, 0, 1)}
    assert (await offers(world, account, codes[first]))["step"] == "done"

    for steps in range(-1, first + 1):
        assert (await offers(world, account, codes[steps]))["code"] == "code_already_used", steps
    for steps in range(first + 1, 2):
        assert (await offers(world, account, codes[steps]))["step"] == "done", steps


async def test_used_codes_are_remembered_after_a_restart(make_world: MakeWorld):
    async with make_world(rate_limit_storage="memory://") as world:
        account = await world.an_account(enrolled=True)
        code = account.code(world.clock)
        assert (await offers(world, account, code))["step"] == "done"

    async with make_world(rate_limit_storage="memory://", clock=world.clock) as restarted:
        assert (await offers(restarted, account, code))["code"] == "code_already_used"


async def test_spacing_does_not_make_a_used_code_new(world: World):
    """TOTP-05: use is kept by step, not by text."""
    account = await world.an_account(enrolled=True)
    code = account.code(world.clock)
    await offers(world, account, code)

    assert (await offers(world, account, f"{code[:3]} {code[3:]}"))["code"] == "code_already_used"


async def test_the_code_that_confirmed_the_enrollment_is_used_up(world: World):
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    code = account.code(world.clock)
    await confirm(browser, code)

    told = await offers(world, account, code)

    assert (told["code"], told["retry_after"]) == ("code_already_used", 30)


@pytest.mark.parametrize(("seconds", "wait"), [(0, 30), (1, 29), (18, 12), (29, 1)])
async def test_a_used_code_says_when_the_next_one_comes(world: World, seconds: int, wait: int):
    """TOTP-14, UX: whole seconds, also in the header; no try is lost."""
    account = await world.an_account(enrolled=True)
    world.clock.moment = NOON.replace(minute=5, second=seconds)
    code = account.code(world.clock)
    await offers(world, account, code)

    response = await (await world.at_second_factor(account)).offer(code)

    body = response.json()
    assert (response.status_code, body["code"], body["retry_after"], body["tries_left"]) == (
        401,
        "code_already_used",
        wait,
        5,
    )
    assert response.headers["Retry-After"] == str(wait)


async def test_a_used_code_of_a_fast_phone_waits_for_the_phones_next_one(world: World):
    """TOTP-14, UX: the phone is a step ahead, so its next code is two steps away."""
    account = await world.an_account(enrolled=True)
    world.clock.moment = NOON.replace(minute=5, second=10)
    ahead = account.code(world.clock, 1)
    await offers(world, account, ahead)

    assert (await offers(world, account, ahead))["retry_after"] == 50


async def test_wrong_and_early_codes_get_the_same_response(world: World):
    """TOTP-14: byte for byte, for a wrong code, the next one after the window, and one of minutes ahead."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=20)
    bodies = []

    for code in (wrong_code(account, world), account.code(world.clock, 2), account.code(world.clock, 5)):
        await world.services.administration.unlock(account.email, OPERATOR)
        bodies.append(await offers(world, account, code))

    assert bodies[0]["code"] == "invalid_code"
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(("steps", "minutes"), [(-2, 1), (-4, 2), (-10, 5)])
async def test_an_old_code_hints_at_the_phones_clock(world: World, steps: int, minutes: int):
    """TOTP-14: it can never be accepted again, so saying so gives nothing away."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=20)

    told = await offers(world, account, account.code(world.clock, steps))

    assert (told["code"], told["minutes_ago"], told["tries_left"]) == ("code_expired", minutes, 4)
    assert "clock" in str(told["detail"])


async def test_a_code_older_than_the_hint_is_just_wrong(world: World):
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=20)

    assert (await offers(world, account, account.code(world.clock, -11)))["code"] == "invalid_code"


async def test_the_phones_offset_is_stored(world: World):
    """Design section 5: faults of phone and server clocks can be told apart."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=5)

    await offers(world, account, account.code(world.clock, -1))

    assert (await rows_of(world, users))[0].totp_offset == -1


@pytest.mark.parametrize("hour", [5, 6])
async def test_local_time_is_never_used(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, hour: int):
    """TOTP-08: on both sides of New York's repeated hour."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        async with make_world(clock=FrozenClock(datetime(2026, 11, 1, hour, 30, tzinfo=UTC))) as world:
            account = await world.an_account(enrolled=True)
            assert (await offers(world, account, account.code(world.clock)))["step"] == "done"
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_clock_set_back_reopens_no_step(world: World):
    """AVL-07: a step back is a used code, an hour back is a fault of ours; neither is a failure of the owner's."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=90)
    used = account.code(world.clock)
    await offers(world, account, used)

    world.clock.advance(seconds=-30)
    assert (await offers(world, account, used))["code"] == "code_already_used"
    world.clock.advance(hours=-1)
    browser = await world.at_second_factor(account)
    for code in (used, account.code(world.clock), wrong_code(account, world)):
        told = await browser.offer(code)
        assert (told.status_code, told.json()["code"]) == (503, "clock_fault")

    assert (await browser.get("/auth/login")).json()["tries_left"] == 5
    assert (await use_backup_code(browser, account.backup_codes[0])).status_code == 200


async def test_an_operator_can_repair_a_last_step_in_the_future(world: World):
    """AVL-07: and the codes up to now stay spent."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(hours=1)
    await offers(world, account, account.code(world.clock))
    world.clock.advance(hours=-1)

    await world.services.administration.unlock(account.email, OPERATOR)

    assert (await offers(world, account, account.code(world.clock)))["code"] == "code_already_used"
    world.clock.advance(seconds=30)
    assert (await offers(world, account, account.code(world.clock)))["step"] == "done"


async def test_a_clock_set_ahead_uses_up_no_code(world: World):
    account = await world.an_account(enrolled=True)
    world.clock.advance(days=30)
    await world.at_second_factor(account)
    world.clock.advance(days=-30)
    browser = await world.at_second_factor(account)

    assert (await browser.offer(account.code(world.clock))).status_code == 200


async def set_flag(world: World, *, enabled: bool) -> None:
    await execute(world, f"UPDATE users SET mfa_enabled = {'true' if enabled else 'false'}")


async def test_changing_the_flag_ends_the_login(world: World):
    enrolled = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(enrolled)
    await set_flag(world, enabled=False)
    assert (await browser.offer(enrolled.code(world.clock))).json()["code"] == "login_expired"

    browser = await at_mailed_code(world, enrolled)
    await set_flag(world, enabled=True)
    response = await browser.post("/auth/email-code/verify", {"code": world.mail.last_code(enrolled.email)})
    assert response.json()["code"] == "login_expired"


DAMAGES = ("NULL", "''", "'v1.00000000.AAAA'", "'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'", "'v1.x'", "'\u00e9'")


@pytest.mark.parametrize("policy", ["required", "optional"])
async def test_an_unreadable_secret_refuses_every_code(make_world: MakeWorld, policy: str):
    """TOTP-16, CRY-04: not even the right code, and never the password alone; a backup code is the recovery."""
    clock = FrozenClock()
    async with make_world(clock=clock) as enrolling, make_world(mfa_policy=policy, clock=clock) as world:
        account = await enrolling.an_account(enrolled=True)

        for damage in DAMAGES:
            await world.services.administration.unlock(account.email, OPERATOR)
            await execute(world, f"UPDATE users SET totp_secret = {damage}")
            browser = await world.at_second_factor(account)
            told = await browser.offer(account.code(clock))
            assert (told.status_code, told.json()["code"]) == (403, "factor_unreadable"), damage
            assert (await browser.get("/auth/login")).json()["tries_left"] == 4, damage

        assert (await use_backup_code(browser, account.backup_codes[0])).status_code == 200


async def test_three_codes_sign_in_three_browsers(world: World):
    """UX: three devices in a row, as fast as the codes come."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=1)
    devices: list[Browser] = []

    for steps in (-1, 0, 1):
        devices.append(await world.at_second_factor(account, world.a_browser(f"198.51.100.{steps + 2}")))
        assert (await devices[-1].offer(account.code(world.clock, steps))).status_code == 200


def test_the_algorithm_cannot_be_configured():
    """TOTP-02: the window is the only setting, and it only narrows."""
    settings = settings_for("sqlite:///unused.db")

    names = [name for name in type(settings).model_fields if "totp" in name]

    assert names == ["totp_window"]
