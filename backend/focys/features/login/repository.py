"""Reads the facts of each login step, and charges attempts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from focys.domain.bypass import Bypass
from focys.domain.lockout import Failures, Strength
from focys.features import lockout
from focys.features.browsers import cookie_parameters
from focys.features.factors import AnyFactor
from focys.features.login.queries import (
    ACCOUNT,
    EARLIER,
    LOGIN,
    MAILED,
    ChargeParameters,
    LoginParameters,
    StartParameters,
    queries_for,
)
from focys.features.login.snapshots import LoginSnapshot, PasswordSnapshot, PendingLogin
from focys.features.login.visit import ThrottleKeys, Visit
from focys.infra.crypto.tokens import digest
from focys.infra.db.charging import Charge
from focys.infra.db.database import Database, RowT, Shape
from focys.infra.db.lifetime import TOLERANCE


@dataclass(frozen=True, slots=True)
class StepQuery:
    """A step's query: how an attempt is charged, and how the row is read."""

    charge: Charge
    read: Callable[[Sequence[Any]], LoginSnapshot]


class LoginRepository:
    """Reads the facts of a step. Each query includes the account's data for every kind of factor."""

    def __init__(self, database: Database, factors: Sequence[AnyFactor]) -> None:
        self._database, self._factors = database, factors
        queries = queries_for(tuple(column for factor in factors for column in factor.held.columns))
        self._at_start = queries.at_start
        self.second_factor = StepQuery(queries.second_factor, self._read_second_factor)
        self.email_code = StepQuery(queries.email_code, self._read_email_code)
        self.first_factor = StepQuery(queries.first_factor, self._read_person)

    async def find_at_start(self, address: str, keys: ThrottleKeys, visit: Visit) -> PasswordSnapshot:
        """Return the facts before a password is compared."""
        old_token = digest(visit.caller.login or "")
        parameters: StartParameters = {
            **keys.parameters(),
            **_parameters(visit),
            "address": address,
            "old_token": old_token,
        }
        rows = await self._database.rows(self._at_start, **parameters)
        return self._read_at_start(rows[0])

    async def find(self, query: StepQuery, visit: Visit) -> LoginSnapshot | None:
        """Return the facts of the caller's login, or None if it has none."""
        if visit.caller.login is None:
            return None
        rows = await self._database.rows(query.charge.facts, **_parameters(visit))
        return query.read(rows[0]) if rows else None

    async def charge(
        self, query: StepQuery, visit: Visit, charge_id: UUID, strength: Strength = Strength.WEAK
    ) -> tuple[LoginSnapshot, bool] | None:
        """Return the same facts, and whether the statement also charged an attempt of this strength."""
        if visit.caller.login is None:
            return None
        parameters: ChargeParameters = {**_parameters(visit, strength), "charge_id": charge_id}
        found = await self._database.charge(query.charge, parameters)
        return None if found is None else (query.read(found[0]), found[1])

    async def find_mailed(self, user_id: UUID, now: datetime) -> PendingLogin | None:
        """Return the login with the account's newest emailed code that has not expired."""
        row = await self._database.first(MAILED, for_user=user_id, moment=now)
        return LOGIN.read(row) if row is not None else None

    def _read_at_start(self, row: Sequence[Any]) -> PasswordSnapshot:
        cells = _Cells(row)
        account = cells.take_if(ACCOUNT)
        password_hash, hits, last_at, bypass_id, is_named, until = cells.next(6)
        return PasswordSnapshot(
            account=account,
            password_hash=password_hash,
            throttle=(hits, last_at),
            bypass=None if bypass_id is None else Bypass(bypass_id, bool(is_named), until),
            earlier=cells.take_if(EARLIER),
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
        login, account = cells.take(LOGIN), cells.take(ACCOUNT)
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
        """Return the next cells, or None if an outer join found nothing; the first cell is an id."""
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


def _parameters(visit: Visit, strength: Strength = Strength.WEAK) -> LoginParameters:
    caller, now = visit.caller, visit.now
    return {
        "token_hash": digest(caller.login or ""),
        "moment": now,
        "ahead": now + TOLERANCE,
        "latest_end": visit.latest_end,
        **cookie_parameters(caller.browser),
        **lockout.bucket_parameters(caller.network, now),
        **lockout.strength_parameters(strength),
    }
