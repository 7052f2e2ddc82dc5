"""What must be true of the rows whatever has died meanwhile, as queries that find where it is not.

What is written together bears the same moment, so that the halves of a change can be looked for in each other. An attempt
is two writes: its charge, which stays where the second one never came, and its verdict.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from focys.services import Services

# But for logins that ended some other way: the browser began another one.
_COMPLETED = """
    SELECT user_id, consumed_at AS at FROM pending_logins p
    WHERE step IN ('totp', 'enroll') AND consumed_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM pending_logins n WHERE n.user_id = p.user_id AND n.created_at = p.consumed_at)
"""
_ATTEMPTS = "event IN ('TOTP', 'MFA backup code', 'MFA enrolment')"
_PROVEN = f"SELECT user_id, at FROM audit_events WHERE outcome = 'ok' AND {_ATTEMPTS}"
_OPENED = "SELECT user_id, created_at AS at FROM sessions"
_SPENT = "SELECT user_id, spent_at AS at FROM backup_codes WHERE spent_at IS NOT NULL"
_BY_BACKUP_CODE = "SELECT user_id, at FROM audit_events WHERE outcome = 'ok' AND event = 'MFA backup code'"
_ENROLLED = "SELECT user_id, at FROM audit_events WHERE outcome = 'ok' AND event = 'MFA enrolment'"
_IN_A_NEW_BROWSER = (
    "SELECT user_id, at FROM audit_events WHERE outcome = 'ok' AND event = 'TOTP' AND detail = 'new browser'"
)
_RECOGNIZED = "SELECT user_id, last_seen_at AS at FROM browsers"


def _emailed(kind: str) -> str:
    return f"SELECT user_id, created_at AS at FROM outbox WHERE kind = '{kind}'"


def _without_each_other(one: str, other: str) -> str:
    return f"""
        SELECT 1 FROM ({one}) a FULL JOIN ({other}) b USING (user_id, at)
        WHERE user_id = ANY(:people) AND (a IS NULL OR b IS NULL)
        UNION ALL
        SELECT 1 FROM ({one}) a WHERE user_id = ANY(:people) GROUP BY user_id, at HAVING count(*) > 1
    """


HALVES = {
    "completed logins without a session, or sessions without one": _without_each_other(_COMPLETED, _OPENED),
    "sessions without an audit row, or rows without one": _without_each_other(_OPENED, _PROVEN),
    "used backup codes without a sign-in, or sign-ins without one": _without_each_other(_SPENT, _BY_BACKUP_CODE),
    "used backup codes without an email, or emails without one": _without_each_other(
        _SPENT, _emailed("backup_code_used")
    ),
    "enrollments without an email, or emails without one": _without_each_other(_ENROLLED, _emailed("factor_added")),
    "new browsers without an email, or emails without one": _without_each_other(
        _IN_A_NEW_BROWSER, _emailed("new_browser")
    ),
    "known browsers without a sign-in": f"""
        SELECT 1 FROM ({_RECOGNIZED}) a LEFT JOIN ({_OPENED}) b USING (user_id, at)
        WHERE user_id = ANY(:people) AND b IS NULL
    """,
    "half enrollments": """
        SELECT 1 FROM users u WHERE id = ANY(:people) AND NOT (
            mfa_enabled = (totp_secret IS NOT NULL) AND mfa_enabled = (totp_last_step IS NOT NULL)
            AND (SELECT count(*) FROM backup_codes WHERE user_id = u.id) = CASE WHEN mfa_enabled THEN 10 ELSE 0 END
            AND (NOT mfa_enabled) = EXISTS (SELECT 1 FROM totp_setups WHERE user_id = u.id))
    """,
    "sign-ins that left no trace, or traces without one": f"""
        SELECT 1 FROM users u WHERE id = ANY(:people) AND attempt_seq <> (
            SELECT count(*) FROM ({_PROVEN}) proven WHERE user_id = u.id)
    """,
    "verdicts and failures without a charge": f"""
        SELECT 1 FROM users u WHERE id = ANY(:people) AND charge_seq < greatest(
            (SELECT count(*) FROM audit_events WHERE user_id = u.id AND {_ATTEMPTS}),
            (SELECT count(*) FROM second_factor_failures WHERE user_id = u.id))
    """,
    "sign-ins that are still charged": f"""
        SELECT 1 FROM ({_OPENED}) a JOIN second_factor_failures USING (user_id, at) WHERE user_id = ANY(:people)
    """,
    "sessions of another epoch": """
        SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.id = ANY(:people) AND epoch <> credential_epoch
    """,
    "refreshes without a trace, or traces without one": """
        SELECT 1 FROM users u WHERE id = ANY(:people) AND
            (SELECT coalesce(sum(refresh_generation), 0) FROM sessions WHERE user_id = u.id) <>
            (SELECT count(*) FROM audit_events WHERE user_id = u.id AND event = 'session refresh' AND outcome = 'ok')
    """,
    "sessions that were ended": "SELECT 1 FROM sessions WHERE user_id = ANY(:people) AND revoked_at IS NOT NULL",
}


async def half_done(services: Services, people: Iterable[UUID]) -> dict[str, int]:
    """Return how often each thing that must not be is found among the accounts."""
    ids = list(people)
    async with services.database.engine.connect() as connection:
        return {
            name: len((await connection.execute(text(query), {"people": ids})).all()) for name, query in HALVES.items()
        }


async def sessions_of(services: Services, user_id: UUID) -> int:
    async with services.database.engine.connect() as connection:
        query = text("SELECT count(*) FROM sessions WHERE user_id = :user")
        return int((await connection.execute(query, {"user": user_id})).scalar_one())
