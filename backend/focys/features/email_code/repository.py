"""The SQL of wrong entries of emailed codes."""

from uuid import UUID

from sqlalchemy import CTE, FromClause, and_, bindparam, delete, func, select

from focys.domain.email_codes import LONG_AFTER
from focys.features.email_code.models import email_code_failures as failures
from focys.infra.db.database import Change
from focys.infra.db.moments import moments

CHARGE_ROW = {"id": "charge_id", "user_id": "user_id", "at": "moment"}
"""The row inserted for a charge: each column, and the selected column or parameter it comes from."""

_TAKE_BACK = delete(failures).where(failures.c.id == bindparam("the_failure"))
_FORGIVE = delete(failures).where(failures.c.user_id == bindparam("for_user"))


def email_tally(person: FromClause) -> CTE:
    """Return a query for the times of a user's wrong entries, and whether six-digit codes may still be tried.

    *person* is a query of one row with a column ``user_id``. The parameter ``since`` is the earliest time that counts.
    """
    return (
        select(
            moments(failures.c.at).filter(failures.c.id.is_not(None)).label("email_failures"),
            (func.count(failures.c.id) < LONG_AFTER).label("takes_six_digits"),
        )
        .select_from(
            person.outerjoin(failures, and_(failures.c.user_id == person.c.user_id, failures.c.at > bindparam("since")))
        )
        .cte("email_tally")
    )


def taken_back(failure_id: UUID) -> Change:
    """Refund a charge: the code was right, or was not compared."""
    return Change(_TAKE_BACK, {"the_failure": failure_id})


def email_failures_forgiven(user_id: UUID) -> Change:
    """Delete all wrong entries of an account, for an operator."""
    return Change(_FORGIVE, {"for_user": user_id})
