"""The SQL of logins in progress: the queries that a step is decided from, charged or not, and what a step writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    String,
    Update,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    literal,
    or_,
    select,
    true,
    update,
)

from focys.domain import email_codes
from focys.domain.bypass import Bypass
from focys.domain.lockout import Failures, Strength
from focys.domain.login import Step
from focys.features import email_code, lockout
from focys.features.accounts import users
from focys.features.browsers import MAX_TOKENS, browsers, cookie_parameters, is_known
from focys.features.bypass import id_in_force_for, mfa_bypasses
from focys.features.email_code import CodeIssue
from focys.features.factors import Factor
from focys.features.lockout import throttles
from focys.features.login.models import pending_logins
from focys.features.login.snapshots import Account, LoginSnapshot, PasswordSnapshot, PendingLogin
from focys.features.login.visit import ThrottleKeys, Visit
from focys.features.sessions import live_count_for
from focys.infra.charging import Charge
from focys.infra.database import Change, Database, RowT, Shape
from focys.infra.lifetime import lasts
from focys.infra.tokens import digest

AnyFactor = Factor[Any, Any]

_own_browser = case((browsers.c.epoch == users.c.credential_epoch, browsers.c.id), else_=None)
_ACCOUNT = Shape(
    Account,
    users.c.id.label("user_id"),
    users.c.email,
    users.c.display_name,
    users.c.role,
    users.c.password_changed_at,
    users.c.disabled_at,
    users.c.mfa_enabled,
    users.c.attempt_seq,
    users.c.credential_epoch,
    live_count_for(users.c.id).label("sessions_live"),
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


_LOGIN = _shape_of(pending_logins)
_earlier = pending_logins.alias("earlier")
_EARLIER = _shape_of(_earlier)
_is_live = and_(
    pending_logins.c.consumed_at.is_(None),
    lasts(pending_logins.c.expires_at),
    users.c.disabled_at.is_(None),
    pending_logins.c.epoch == users.c.credential_epoch,
    users.c.mfa_enabled == (pending_logins.c.step == Step.SECOND_FACTOR),
)

_CONSUME = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"), pending_logins.c.consumed_at.is_(None))
    .values(consumed_at=bindparam("moment"))
)
_CONSUME_TOKEN = (
    update(pending_logins)
    .where(pending_logins.c.handle_hash == bindparam("old_token"), pending_logins.c.consumed_at.is_(None))
    .values(consumed_at=bindparam("moment"))
)
_CONSUME_SHARING = (
    update(pending_logins)
    .where(
        pending_logins.c.user_id == bindparam("for_user"),
        or_(pending_logins.c.id == bindparam("source"), pending_logins.c.code_source == bindparam("source")),
        pending_logins.c.consumed_at.is_(None),
    )
    # The code has worked: no later login may share it.
    .values(consumed_at=bindparam("moment"), code_expires_at=bindparam("moment"))
)
_REPLACE_TOKEN = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(handle_hash=bindparam("new_token"))
)
_MAIL_CODE = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(
        code_issue=bindparam("issue"),
        code_long=bindparam("is_long"),
        code_tries=bindparam("tries"),
        code_sent_at=bindparam("moment"),
        code_expires_at=bindparam("code_until"),
        code_source=bindparam("source", type_=Uuid),
    )
)
_TAKE_TRY_BACK = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(code_tries=pending_logins.c.code_tries - 1)
)
_MAILED = (
    select(*_LOGIN.columns)
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


@dataclass(frozen=True, slots=True)
class StepQuery:
    """What a step is decided from: how it is charged, and how its row is read."""

    charge: Charge
    read: Callable[[Sequence[Any]], LoginSnapshot]


class LoginRepository:
    """Gathers what a step is decided from. Each query also reads what an account holds of every kind of factor."""

    def __init__(self, database: Database, factors: Sequence[AnyFactor]) -> None:
        self._database, self._factors = database, factors
        held = [column for factor in factors for column in factor.held.columns]
        self._at_start = _start_query(held)
        person = _person_of_login(held)
        self.second_factor = self._second_factor_query(person)
        self.email_code = self._email_code_query(person)
        self.first_factor = self._first_factor_query(person)

    async def find_at_start(self, address: str, keys: ThrottleKeys, visit: Visit) -> PasswordSnapshot:
        """Return what is known before a password is compared."""
        old_token = digest(visit.visitor.login or "")
        parameters = {**keys.parameters(), **_parameters(visit), "address": address, "old_token": old_token}
        rows = await self._database.rows(self._at_start, **parameters)
        return self._read_at_start(rows[0])

    async def find(self, query: StepQuery, visit: Visit) -> LoginSnapshot | None:
        """Return what is known of the visitor's login."""
        if visit.visitor.login is None:
            return None
        rows = await self._database.rows(query.charge.facts, **_parameters(visit))
        return query.read(rows[0]) if rows else None

    async def charge(
        self, query: StepQuery, visit: Visit, charge_id: UUID, strength: Strength = Strength.WEAK
    ) -> tuple[LoginSnapshot, bool] | None:
        """Return the same, and whether an attempt of this strength was charged in the same statement."""
        if visit.visitor.login is None:
            return None
        parameters = {**_parameters(visit), **lockout.strength_parameters(strength), "charge_id": charge_id}
        found = await self._database.charge(query.charge, parameters)
        return None if found is None else (query.read(found[0]), found[1])

    async def find_mailed(self, user_id: UUID, now: datetime) -> PendingLogin | None:
        """Return the login whose mailed code is the account's newest that still works."""
        row = await self._database.first(_MAILED, for_user=user_id, moment=now)
        return _LOGIN.read(row) if row is not None else None

    def _second_factor_query(self, person: CTE) -> StepQuery:
        tally = lockout.tally(person)
        facts = _facts(person, tally, person.c.step_word == Step.SECOND_FACTOR, tally.c.takes_proof)
        rows = {lockout.second_factor_failures: lockout.CHARGE_ROW}
        return StepQuery(Charge(facts, users.c.charge_seq, rows), self._read_second_factor)

    def _email_code_query(self, person: CTE) -> StepQuery:
        tally = email_code.email_tally(person)
        facts = _facts(
            person,
            tally,
            person.c.step_word == Step.EMAIL_CODE,
            person.c.code_tries < email_codes.TRIES,
            person.c.code_expires_at > bindparam("moment"),
            or_(person.c.code_long, tally.c.takes_six_digits),
        )
        rows, raised = (
            {email_code.email_code_failures: email_code.CHARGE_ROW},
            {pending_logins.c.code_tries: "login_id"},
        )
        return StepQuery(Charge(facts, users.c.charge_seq, rows, raised), self._read_email_code)

    def _first_factor_query(self, person: CTE) -> StepQuery:
        facts = _facts(person, None, person.c.step_word == Step.ENROLL, person.c.code_tries < email_codes.TRIES)
        return StepQuery(
            Charge(facts, users.c.charge_seq, raised={pending_logins.c.code_tries: "login_id"}), self._read_person
        )

    def _read_at_start(self, row: Sequence[Any]) -> PasswordSnapshot:
        cells = _Cells(row)
        account = cells.take_if(_ACCOUNT)
        password_hash, hits, last_at, bypass_id, is_named, until = cells.next(6)
        return PasswordSnapshot(
            account=account,
            password_hash=password_hash,
            throttle=(hits, last_at),
            bypass=None if bypass_id is None else Bypass(bypass_id, bool(is_named), until),
            earlier=cells.take_if(_EARLIER),
            held=self._read_held(cells),
            failures=_read_failures(cells),
            email_failures=tuple(cells.next(1)[0] or ()),
        )

    def _read_person(self, row: Sequence[Any]) -> LoginSnapshot:
        return self._read(_Cells(row))

    def _read_second_factor(self, row: Sequence[Any]) -> LoginSnapshot:
        cells = _Cells(row)
        snapshot = self._read(cells)
        return replace(snapshot, failures=_read_failures(cells))

    def _read_email_code(self, row: Sequence[Any]) -> LoginSnapshot:
        cells = _Cells(row)
        snapshot = self._read(cells)
        return replace(snapshot, email_failures=tuple(cells.next(1)[0] or ()))

    def _read(self, cells: "_Cells") -> LoginSnapshot:
        login, account = cells.take(_LOGIN), cells.take(_ACCOUNT)
        is_live, _charges = cells.next(2)
        return LoginSnapshot(login, bool(is_live), account, self._read_held(cells))

    def _read_held(self, cells: "_Cells") -> dict[str, object]:
        return {factor.kind: cells.take(factor.held) for factor in self._factors}


class _Cells:
    """Reads a row from left to right."""

    def __init__(self, row: Sequence[Any]) -> None:
        self._row, self._at = row, 0

    def take(self, shape: Shape[RowT]) -> RowT:
        found = shape.read(self._row, self._at)
        self._at += len(shape.columns)
        return found

    def take_if(self, shape: Shape[RowT]) -> RowT | None:
        """Return the next cells, or None where an outer join found nothing: the first of them is an id."""
        is_there = self._row[self._at] is not None
        found = self.take(shape)
        return found if is_there else None

    def next(self, number: int) -> Sequence[Any]:
        found = self._row[self._at : self._at + number]
        self._at += number
        return found


def _read_failures(cells: _Cells) -> Failures:
    counted, strong, strong_here, total, _, _ = cells.next(6)
    return Failures(counted or (), strong or (), strong_here or (), total)


def _person_of_login(held: Sequence[ColumnElement[Any]]) -> CTE:
    """Return the login that a token belongs to, with its account, the visitor's browser, and what the account holds."""
    return (
        select(*_LOGIN.columns, *_ACCOUNT.columns, _is_live.label("is_live"), users.c.charge_seq, *held)
        .select_from(
            pending_logins.join(users, users.c.id == pending_logins.c.user_id).outerjoin(browsers, is_known(users.c.id))
        )
        .where(pending_logins.c.handle_hash == bindparam("token_hash"))
        .limit(1)
        .cte("person")
    )


def _facts(person: CTE, tally: CTE | None, *allows: ColumnElement[bool]) -> Select[Any]:
    """Return the facts of a step, and whether they allow a charge."""
    may_charge = and_(person.c.is_live, *allows).label("may_charge")
    if tally is None:
        return select(person, may_charge)
    return select(person, tally, may_charge).select_from(person.join(tally, true()))


def _start_query(held: Sequence[ColumnElement[Any]]) -> Select[Any]:
    throttle_key = case(
        (_own_browser.is_(None), bindparam("network_key", type_=String)),
        *(
            (browsers.c.token_hash == bindparam(f"browser_{i}"), bindparam(f"browser_key_{i}", type_=String))
            for i in range(MAX_TOKENS)
        ),
    )
    person = (
        select(
            *_ACCOUNT.columns,
            users.c.password_hash,
            throttles.c.hits,
            throttles.c.last_at,
            mfa_bypasses.c.id.label("bypass_id"),
            mfa_bypasses.c.user_id.is_not(None).label("bypass_is_named"),
            mfa_bypasses.c.ends_at.label("bypass_until"),
            *_EARLIER.columns,
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
                    lasts(_earlier.c.expires_at),
                ),
            )
        )
        .limit(1)
        .cte("person")
    )
    tally, mailed = lockout.tally(person), email_code.email_tally(person)
    return select(person, tally, mailed).select_from(person.join(tally, true()).join(mailed, true()))


def _parameters(visit: Visit) -> dict[str, object]:
    visitor, now = visit.visitor, visit.now
    return {
        "token_hash": digest(visitor.login or ""),
        "moment": now,
        "latest_end": visit.latest_end,
        **cookie_parameters(visitor.browser),
        **lockout.bucket_parameters(visitor.source, now),
        **lockout.strength_parameters(Strength.WEAK),
    }


def begun(login: PendingLogin, token: str, account: Account) -> Change:
    """Insert a login in progress."""
    row = {
        "id": login.login_id,
        "handle_hash": digest(token),
        "user_id": account.user_id,
        "step": login.step_word,
        "epoch": account.credential_epoch,
        "created_at": login.created_at,
        "expires_at": login.expires_at,
        "code_issue": login.code_issue,
        "code_long": login.code_long,
        "code_tries": login.code_tries,
        "code_sent_at": login.code_sent_at,
        "code_expires_at": login.code_expires_at,
        "code_source": login.code_source,
    }
    return Change(pending_logins, row)


def consumed(login_id: UUID, now: datetime) -> Change:
    """Consume a login, once."""
    return Change(_CONSUME, {"for_login": login_id, "moment": now})


def token_consumed(token: str, now: datetime) -> Change:
    """Consume the login that the browser had in progress before."""
    return Change(_CONSUME_TOKEN, {"old_token": digest(token), "moment": now})


def sharing_consumed(login: PendingLogin, user_id: UUID, now: datetime) -> Change:
    """Consume a login and all others that take the same mailed code, so that it works once."""
    return Change(_CONSUME_SHARING, {"for_user": user_id, "source": login.code.login_id, "moment": now})


def token_replaced(login_id: UUID, token: str) -> Change:
    """Let a login go on under a new token."""
    return Change(_REPLACE_TOKEN, {"for_login": login_id, "new_token": digest(token)})


def code_mailed(login_id: UUID, issue: CodeIssue, tries: int, now: datetime) -> Change:
    """Note which code was mailed for a login: its own, or one that it shares."""
    source = issue.login_id if issue.login_id != login_id else None
    values = {"for_login": login_id, "issue": issue.number, "is_long": issue.long, "tries": tries, "source": source}
    return Change(_MAIL_CODE, {**values, "moment": now, "code_until": issue.expires_at})


def try_taken_back(login_id: UUID) -> Change:
    """Take back one try that a login was charged."""
    return Change(_TAKE_TRY_BACK, {"for_login": login_id})


def for_live_login(guard: Change, login_id: UUID) -> Change:
    """Return a guard that also wants the login not to be consumed: cancelled, say, in another tab."""
    return Change(_for_live_login(cast("Update", guard.target)), {**guard.values, "for_login": login_id})


@lru_cache(maxsize=64)
def _for_live_login(guard: Update) -> Update:
    is_live = and_(pending_logins.c.id == bindparam("for_login"), pending_logins.c.consumed_at.is_(None))
    return guard.where(exists(select(literal(1)).where(is_live)))
