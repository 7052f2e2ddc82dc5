"""The SQL of known browsers."""

from uuid import UUID

from sqlalchemy import bindparam, delete, update

from focys.features.browsers.models import browsers
from focys.infra.database import Change

SEEN = (
    update(browsers)
    .where(browsers.c.id == bindparam("for_browser"))
    .values(last_seen_at=bindparam("moment"), epoch=bindparam("new_epoch"))
)

_FORGET = delete(browsers).where(browsers.c.user_id == bindparam("for_user"))


def browsers_forgotten(user_id: UUID) -> Change:
    """Make every browser of a user a stranger."""
    return Change(_FORGET, {"for_user": user_id})
