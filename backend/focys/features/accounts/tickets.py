"""Enrollment tickets. After a reset, an operator hands one over in person, by phone or on paper, never by email.

Someone with the password and the mailbox could otherwise enroll instead of the owner. An account asks for its ticket
until a factor is enrolled, even after the ticket has expired; then only another reset helps.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from focys.domain import crockford
from focys.infra.crypto.keys import KeyRing, Purpose

TICKET_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """A ticket as stored: its MAC (the ticket itself is stored nowhere), and when it stops working."""

    mac: bytes
    expires_at: datetime


def new_ticket(keys: KeyRing, user_id: UUID, now: datetime) -> tuple[str, StoredTicket]:
    """Return a ticket of 80 random bits for this user, and what to store of it."""
    ticket = crockford.encode(secrets.token_bytes(crockford.CODE_BYTES))
    mac = _mac(keys.current(Purpose.ENROLLMENT_TICKETS), user_id, crockford.normalize(ticket) or "")
    return ticket, StoredTicket(mac, now + TICKET_LIFE)


def is_right_ticket(ticket: str, stored: StoredTicket, keys: KeyRing, user_id: UUID, now: datetime) -> bool:
    """Return whether a ticket (normalized) is the stored one and has not expired; compares in constant time."""
    macs = [_mac(key, user_id, ticket) for key in keys.all(Purpose.ENROLLMENT_TICKETS)]
    is_right = any(hmac.compare_digest(mac, stored.mac) for mac in macs)
    return is_right and now < stored.expires_at


def _mac(key: bytes, user_id: UUID, ticket: str) -> bytes:
    return hmac.digest(key, user_id.bytes + ticket.encode(), "sha256")
