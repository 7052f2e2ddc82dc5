"""Mail that is sent once the change it reports is committed, and retried while the mail server is unavailable.

    await database.write(…, letter_for(user_id, "totp_locked", {…}, now))      # and the sender wakes at once

A row names the kind of letter and what it is about; it is composed when it is sent, so no code is stored.
"""

from focys.features.outbox.models import outbox
from focys.features.outbox.repository import all_withdrawn
from focys.features.outbox.service import Composer, Outbox, Waiting, letter_for

__all__ = ["Composer", "Outbox", "Waiting", "all_withdrawn", "letter_for", "outbox"]
