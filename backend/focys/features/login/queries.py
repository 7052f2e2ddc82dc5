"""The queries for the facts of each login step, and the shapes of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, FromClause, Select, String, and_, bindparam, case, literal, or_, select, true

from focys.domain import email_codes
from focys.domain.login import Step
from focys.features import email_code, lockout
from focys.features.accounts import users
from focys.features.browsers import MAX_TOKENS, CookieParameters, browsers, is_known
from focys.features.bypass import id_in_force_for, mfa_bypasses
from focys.features.login.models import pending_logins
from focys.features.login.snapshots import Account, PendingLogin
from focys.features.login.visit import ThrottleParameters
from focys.features.rate_limits import throttles
from focys.features.sessions import live_count_for
from focys.infra.db.charging import Charge, as_one_statement, require
from focys.infra.db.database import Shape
from focys.infra.db.lifetime import not_expired


class LoginParameters(CookieParameters, lockout.BucketParameters, lockout.StrengthParameters):
    """The parameters of every query for a login in progress."""

    token_hash: bytes
    moment: datetime
    ahead: datetime
    latest_end: datetime


class ChargeParameters(LoginParameters):
    """The parameters of every query that charges an attempt."""

    charge_id: UUID


class StartParameters(LoginParameters, ThrottleParameters):
    """The parameters of the password step's query."""

    address: str
    old_token: bytes


@dataclass(frozen=True, slots=True)
class LoginQueries:
    """The queries of all steps. Each includes the account's data for every kind of factor."""

    at_start: Select[Any]
    second_factor: Charge
    email_code: Charge
    first_factor: Charge


_own_browser = case((browsers.c.epoch == users.c.credential_epoch, browsers.c.id), else_=None)
ACCOUNT = Shape(
    Account,
    users.c.id.label("user_id"),
    users.c.email,
    users.c.display_name,
    users.c.role,
    # Ignore a password change in the future (written by a fast clock): it would forgive or hide failures.
    case((users.c.password_changed_at <= bindparam("ahead"), users.c.password_changed_at), else_=None).label(
        "password_changed_at"
    ),
    users.c.disabled_at,
    users.c.mfa_enabled,
    users.c.attempt_seq,
    users.c.credential_epoch,
    live_count_for(users.c.id).label("sessions_live"),
    users.c.ticket_mac,
    users.c.ticket_expires_at,
    browsers.c.id.label("known_id"),
    browsers.c.token_hash.label("known_hash"),
    _own_browser.label("browser_id"),
)


def _shape_of(logins: FromClause) -> Shape[PendingLogin]:
    columns = logins.c
    return Shape(
        PendingLogin,
        columns.id.label("login_id"),
        columns.step.label("step_word"),
        columns.created_at,
        columns.expires_at,
        columns.code_issue,
        columns.code_long,
        columns.code_tries,
        columns.code_sent_at,
        columns.code_expires_at,
        columns.code_source,
    )


LOGIN = _shape_of(pending_logins)
_earlier = pending_logins.alias("earlier")
EARLIER = _shape_of(_earlier)
_is_live = and_(
    pending_logins.c.consumed_at.is_(None),
    not_expired(pending_logins.c.expires_at),
    users.c.disabled_at.is_(None),
    pending_logins.c.epoch == users.c.credential_epoch,
    or_(
        pending_logins.c.step == Step.NEW_FACTOR,
        users.c.mfa_enabled == (pending_logins.c.step == Step.SECOND_FACTOR),
    ),
)

MAILED = (
    select(*LOGIN.columns)
    .where(
        pending_logins.c.user_id == bindparam("for_user"),
        pending_logins.c.step == Step.EMAIL_CODE,
        pending_logins.c.code_source.is_(None),
        pending_logins.c.code_expires_at > bindparam("moment"),
        pending_logins.c.code_sent_at <= bindparam("moment"),
    )
    .order_by(pending_logins.c.code_sent_at.desc())
    .limit(1)
)


@lru_cache
def queries_for(held: tuple[ColumnElement[Any], ...]) -> LoginQueries:
    """Build the queries; *held* are the columns of all factors.

    Raises:
        TypeError: a parameter is misspelled.
    """
    person = _person_of_login(held)
    queries = LoginQueries(
        at_start=_at_start(held),
        second_factor=_second_factor(person),
        email_code=_email_code(person),
        first_factor=_first_factor(person),
    )
    require(queries.at_start, StartParameters)
    for charge in (queries.second_factor, queries.email_code, queries.first_factor):
        require(as_one_statement(charge), ChargeParameters)
    return queries


def _second_factor(person: CTE) -> Charge:
    tally = lockout.tally(person)
    facts = _facts_of(person, tally, person.c.step_word == Step.SECOND_FACTOR, tally.c.takes_proof)
    rows = {lockout.second_factor_failures: lockout.CHARGE_ROW}
    return Charge(facts, users.c.charge_seq, rows, is_durable=False)


def _email_code(person: CTE) -> Charge:
    tally = email_code.email_tally(person)
    facts = _facts_of(
        person,
        tally,
        person.c.step_word == Step.EMAIL_CODE,
        person.c.code_tries < email_codes.TRIES,
        person.c.code_expires_at > bindparam("moment"),
        or_(person.c.code_long, tally.c.takes_six_digits),
    )
    rows = {email_code.email_code_failures: email_code.CHARGE_ROW}
    raised = {pending_logins.c.code_tries: "login_id"}
    # Once codes have sixteen characters, more failures change nothing, and attackers could add any number of rows.
    return Charge(facts, users.c.charge_seq, rows, raised, rows_if=tally.c.takes_six_digits.name)


def _first_factor(person: CTE) -> Charge:
    takes_first_proof = or_(person.c.step_word == Step.ENROLL, person.c.step_word == Step.NEW_FACTOR)
    facts = _facts_of(person, None, takes_first_proof, person.c.code_tries < email_codes.TRIES)
    return Charge(facts, users.c.charge_seq, raised={pending_logins.c.code_tries: "login_id"})


def _person_of_login(held: Sequence[ColumnElement[Any]]) -> CTE:
    """Return the query for a token's login, with its account, the known browser, and the account's factors."""
    return (
        select(*LOGIN.columns, *ACCOUNT.columns, _is_live.label("is_live"), users.c.charge_seq, *held)
        .select_from(
            pending_logins.join(users, users.c.id == pending_logins.c.user_id).outerjoin(browsers, is_known(users.c.id))
        )
        .where(pending_logins.c.handle_hash == bindparam("token_hash"))
        .limit(1)
        .cte("person")
    )


def _facts_of(person: CTE, tally: CTE | None, *allows: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the facts of a step, and whether they allow an attempt to be charged."""
    may_charge = and_(person.c.is_live, *allows).label("may_charge")
    if tally is None:
        return select(person, may_charge)
    return select(person, tally, may_charge).select_from(person.join(tally, true()))


def _at_start(held: Sequence[ColumnElement[Any]]) -> Select[Any]:
    throttle_key = case(
        (_own_browser.is_(None), bindparam("network_key", type_=String)),
        *(
            (browsers.c.token_hash == bindparam(f"browser_{i}"), bindparam(f"browser_key_{i}", type_=String))
            for i in range(MAX_TOKENS)
        ),
    )
    person = (
        select(
            *ACCOUNT.columns,
            users.c.password_hash,
            throttles.c.hits,
            throttles.c.last_at,
            mfa_bypasses.c.id.label("bypass_id"),
            mfa_bypasses.c.user_id.is_not(None).label("bypass_is_named"),
            mfa_bypasses.c.ends_at.label("bypass_until"),
            *EARLIER.columns,
            *held,
        )
        .select_from(
            select(literal(1).label("one"))
            .subquery("one")
            .outerjoin(users, users.c.email == bindparam("address"))
            .outerjoin(browsers, is_known(users.c.id))
            .outerjoin(mfa_bypasses, mfa_bypasses.c.id == id_in_force_for(users.c.id))
            .outerjoin(throttles, throttles.c.key == throttle_key)
            .outerjoin(
                _earlier,
                and_(
                    _earlier.c.handle_hash == bindparam("old_token"),
                    _earlier.c.user_id == users.c.id,
                    _earlier.c.epoch == users.c.credential_epoch,
                    _earlier.c.consumed_at.is_(None),
                    not_expired(_earlier.c.expires_at),
                ),
            )
        )
        .limit(1)
        .cte("person")
    )
    tally, mailed = lockout.tally(person), email_code.email_tally(person)
    return select(person, tally, mailed).select_from(person.join(tally, true()).join(mailed, true()))
