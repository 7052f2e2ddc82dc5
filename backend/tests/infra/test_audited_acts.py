"""Every act that is audited: it is told of, or it does not happen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from focys.features.audit import audit_events
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.services import FEATURES
from tests.conftest import world_on
from tests.support.acts import (
    Act,
    backup_code,
    bypassed,
    cancel,
    change_password,
    charges_of,
    check_code,
    email_code,
    end_other_sessions,
    end_session,
    enroll_out_of_turn,
    first_totp,
    logout,
    new_codes,
    password,
    ready_for,
    refresh,
    replace_codes,
    replace_phone,
    resend,
    restart_enrollment,
    start_enrollment,
    state_of,
    step_up,
    totp,
    turn_off,
    with_charge,
    wrong_email_code,
    wrong_new_code,
    wrong_password,
    wrong_totp,
)
from tests.support.rows import allow_rows, execute, refuse_rows, rows_of
from tests.support.service import OPERATOR, Account, World

Operate = Callable[[World, Account], Awaitable[Any]]

HOUR = timedelta(hours=1)
OFFICE = "203.0.113.7"
OLDER_KEY = "an-older-key-for-the-tests-that-is-long-enough-012"
OTHER_PASSWORD = "violet-quarry-tandem-77"


@pytest.fixture
async def world(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The service with an older key among the fallbacks, so that rotating the keys changes something."""
    policy = "optional" if request.node.callspec.params.get("act") is turn_off else "required"
    async with world_on(database_url, secret_key_fallbacks=[OLDER_KEY], mfa_policy=policy) as world:
        yield world


async def audit_ids(world: World) -> set[UUID]:
    return {row.id for row in await rows_of(world, audit_events)}


async def events_since(world: World, told: set[UUID]) -> set[str]:
    return {row.event for row in await rows_of(world, audit_events) if row.id not in told}


OPERATORS_ACTS: dict[str, Operate] = {
    "account created": lambda w, _: w.services.accounts.create("new@student.com", "x", OPERATOR),
    "account renamed": lambda w, a: w.services.accounts.rename(a.email, "Another Name", OPERATOR),
    "email address changed": lambda w, a: w.services.people.set_email(a.email, "new@student.com", OPERATOR),
    "account deleted": lambda w, a: w.services.people.delete(a.email, OPERATOR),
    "account disabled": lambda w, a: w.services.accounts.set_disabled(a.email, OPERATOR, disabled=True),
    "account enabled": lambda w, a: w.services.accounts.set_disabled(a.email, OPERATOR, disabled=False),
    "MFA reset": lambda w, a: w.services.administration.reset_mfa(a.email, OPERATOR),
    "MFA unlocked": lambda w, a: w.services.administration.unlock(a.email, OPERATOR),
    "network unlocked": lambda w, _: w.services.networks.unlock(OFFICE, OPERATOR),
    "password set": lambda w, a: w.services.administration.set_password(a.email, OTHER_PASSWORD, OPERATOR),
    "MFA keys rotated": lambda w, _: w.services.administration.rotate_keys(OPERATOR, lambda *_: None),
    "all sessions ended": lambda w, _: w.services.administration.end_all_sessions(OPERATOR, "a leak"),
    "backup restored": lambda w, _: w.services.administration.void_restored(OPERATOR, "a drill"),
    "audit pruned": lambda w, _: w.services.administration.prune_audit(timedelta(0), OPERATOR),
    "MFA bypass started": lambda w, a: w.services.bypasses.begin(HOUR, "new phone", OPERATOR, address=a.email),
    "MFA bypass ended": lambda w, _: w.services.bypasses.end(OPERATOR, address=None),
}
VISITORS_ACTS: dict[str, tuple[Act, ...]] = {
    "password": (password, wrong_password),
    "TOTP": (totp, wrong_totp),
    "MFA backup code": (backup_code,),
    "MFA backup codes replaced": (replace_codes, new_codes),
    "MFA check": (check_code,),
    "step-up": (step_up,),
    "password changed": (change_password,),
    "session refresh": (refresh,),
    "sign-out": (logout,),
    "session ended": (end_session,),
    "other sessions ended": (end_other_sessions,),
    "login cancelled": (cancel,),
    "MFA bypassed": (bypassed,),
    "MFA replaced": (replace_phone, wrong_new_code),
    "MFA turned off": (turn_off,),
    "email code": (email_code, wrong_email_code),
    "email code sent": (resend,),
    "MFA enrolment started": (start_enrollment, restart_enrollment),
    "MFA enrolment": (first_totp, enroll_out_of_turn),
}


@pytest.mark.parametrize(("name", "act"), [(name, act) for name, acts in VISITORS_ACTS.items() for act in acts])
async def test_an_act_that_cannot_be_audited_does_not_happen(world: World, name: str, act: Act):
    """LOG-05: the audit row commits with the change, or neither does; the attempt stays charged."""
    account, browser = await ready_for(world, act)
    if act is bypassed:
        await world.services.bypasses.begin(HOUR, "new phone", OPERATOR, address=account.email)
    before, charged, told = await state_of(world, charges=False), await charges_of(world), await audit_ids(world)
    await refuse_rows(world, audit_events)

    response = await act(world, account, browser)

    assert response.status_code in {500, 503}, response.text
    assert "Set-Cookie" not in response.headers
    assert not {"access_token", "secret"} & response.json().keys()
    assert await state_of(world, charges=False) == before
    assert await charges_of(world) == with_charge(charged, act)
    await allow_rows(world, audit_events)
    await act(world, account, browser)
    assert name in await events_since(world, told)


def test_every_audited_event_is_tested():
    """LOG-05: anyone who adds an event adds the act that it tells of."""
    assert sorted([*OPERATORS_ACTS, *VISITORS_ACTS]) == sorted(
        event for feature in FEATURES for event in feature.events
    )


@pytest.mark.parametrize("name", OPERATORS_ACTS)
async def test_an_operators_act_that_cannot_be_audited_does_not_happen(world: World, name: str):
    """LOG-05: and it is audited once it does."""
    account = await world.an_account(enrolled=True)
    await world.signed_in(account)
    await wrong_totp(world, account, await world.at_second_factor(account))
    if name == "MFA bypass ended":
        await OPERATORS_ACTS["MFA bypass started"](world, account)
    await wrong_password(world, account, world.a_browser(OFFICE))
    world.clock.advance(seconds=1)
    await world.deliver()
    old = SecretBox(KeyRing((OLDER_KEY,))).seal(str(account.secret), account.id)
    await execute(world, f"UPDATE users SET totp_secret = '{old}'")
    before, told = await state_of(world), await audit_ids(world)
    await refuse_rows(world, audit_events)

    with pytest.raises(Exception, match="no more audit_events"):
        await OPERATORS_ACTS[name](world, account)

    assert await state_of(world) == before
    await allow_rows(world, audit_events)
    await OPERATORS_ACTS[name](world, account)
    assert await events_since(world, told) == {name}
