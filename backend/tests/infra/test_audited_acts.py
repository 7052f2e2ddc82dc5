"""Every act that is audited: it is told of, or it does not happen."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from focys.features.audit import audit_events
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.services import FEATURES
from tests.support.acts import (
    Act,
    at_enrollment,
    backup_code,
    bypassed,
    cancel,
    charges_of,
    confirm,
    enroll_out_of_turn,
    logout,
    mailed_code,
    password,
    refresh,
    resend,
    restart_enrollment,
    right_code,
    start_enrollment,
    state_of,
    with_charge,
    wrong_code,
    wrong_mailed_code,
    wrong_password,
)
from tests.support.rows import allow_rows, refuse_rows, rows_of
from tests.support.service import OPERATOR, Account, World

Operate = Callable[[World, Account], Awaitable[Any]]

HOUR = timedelta(hours=1)
OFFICE = "203.0.113.7"
NEWER_KEY = "a-newer-key-for-the-tests-that-is-long-enough-012"
OTHER_PASSWORD = "violet-quarry-tandem-77"


async def audit_ids(world: World) -> set[UUID]:
    return {row.id for row in await rows_of(world, audit_events)}


async def events_since(world: World, told: set[UUID]) -> set[str]:
    return {row.event for row in await rows_of(world, audit_events) if row.id not in told}


@pytest.mark.parametrize(
    "act",
    [
        *[password, wrong_password, right_code, wrong_code, backup_code, enroll_out_of_turn],
        *[refresh, logout, cancel, bypassed],
    ],
)
async def test_what_cannot_be_told_does_not_happen(world: World, act: Act):
    """LOG-05: the audit row commits with the change, or neither does; the attempt stays charged."""
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    await world.at_second_factor(account, browser)
    if act is bypassed:
        await world.services.bypasses.begin(HOUR, "new phone", OPERATOR, address=account.email)
    await world.deliver()
    before, charged, told = await state_of(world, charges=False), await charges_of(world), await audit_ids(world)
    await refuse_rows(world, audit_events)

    answer = await act(world, account, browser)

    assert answer.status_code in {500, 503}, answer.text
    assert "Set-Cookie" not in answer.headers
    assert "access_token" not in answer.text
    assert await state_of(world, charges=False) == before
    assert await charges_of(world) == with_charge(charged, act)
    await allow_rows(world, audit_events)
    await act(world, account, browser)
    assert await events_since(world, told) >= {name for name, acts in VISITORS_ACTS.items() if act in acts}


@pytest.mark.parametrize("act", [mailed_code, wrong_mailed_code, resend])
async def test_what_cannot_be_told_of_the_mailbox_does_not_happen(world: World, act: Act):
    account = await world.an_account()
    browser = world.a_browser()
    await browser.sign_in_with_password(account)
    await world.deliver()
    before, charged, told = await state_of(world, charges=False), await charges_of(world), await audit_ids(world)
    await refuse_rows(world, audit_events)

    answer = await act(world, account, browser)

    assert answer.status_code in {500, 503}
    assert await state_of(world, charges=False) == before
    assert await charges_of(world) == with_charge(charged, act)
    await allow_rows(world, audit_events)
    await act(world, account, browser)
    assert await events_since(world, told) >= {name for name, acts in VISITORS_ACTS.items() if act in acts}


@pytest.mark.parametrize("act", [start_enrollment, restart_enrollment, confirm])
async def test_what_cannot_be_told_of_an_enrollment_does_not_happen(world: World, act: Act):
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    if act is not start_enrollment:
        account.secret = (await browser.post("/auth/mfa/enroll")).json()["secret"]
    before, charged, told = await state_of(world, charges=False), await charges_of(world), await audit_ids(world)
    await refuse_rows(world, audit_events)

    answer = await act(world, account, browser)

    assert answer.status_code in {500, 503}
    assert "secret" not in answer.text
    assert await state_of(world, charges=False) == before
    assert await charges_of(world) == with_charge(charged, act)
    await allow_rows(world, audit_events)
    await act(world, account, browser)
    assert await events_since(world, told) >= {name for name, acts in VISITORS_ACTS.items() if act in acts}


OPERATORS_ACTS: dict[str, Operate] = {
    "account created": lambda w, _: w.services.accounts.create("new@student.com", "x", OPERATOR),
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
    "TOTP": (right_code, wrong_code),
    "MFA backup code": (backup_code,),
    "session refresh": (refresh,),
    "sign-out": (logout,),
    "login cancelled": (cancel,),
    "MFA bypassed": (bypassed,),
    "email code": (mailed_code, wrong_mailed_code),
    "email code sent": (resend,),
    "MFA enrolment started": (start_enrollment, restart_enrollment),
    "MFA enrolment": (confirm, enroll_out_of_turn),
}


def test_every_act_that_is_audited_is_tried_here():
    """LOG-05: anyone who adds an event adds the act that it tells of."""
    assert sorted([*OPERATORS_ACTS, *VISITORS_ACTS]) == sorted(
        event for feature in FEATURES for event in feature.events
    )


@pytest.mark.parametrize("name", OPERATORS_ACTS)
async def test_what_cannot_be_told_of_an_operators_act_does_not_happen(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
):
    """LOG-05: and what can be told is."""
    account = await world.an_account(enrolled=True)
    await world.signed_in(account)
    await wrong_code(world, account, await world.at_second_factor(account))
    if name == "MFA bypass ended":
        await OPERATORS_ACTS["MFA bypass started"](world, account)
    await wrong_password(world, account, world.a_browser(OFFICE))
    world.clock.advance(seconds=1)
    await world.deliver()
    rotated = SecretBox(KeyRing((NEWER_KEY, *world.services.settings.keys)))
    monkeypatch.setattr(world.services.totp, "_box", rotated)
    before, told = await state_of(world), await audit_ids(world)
    await refuse_rows(world, audit_events)

    with pytest.raises(Exception, match="no more audit_events"):
        await OPERATORS_ACTS[name](world, account)

    assert await state_of(world) == before
    await allow_rows(world, audit_events)
    await OPERATORS_ACTS[name](world, account)
    assert await events_since(world, told) == {name}
