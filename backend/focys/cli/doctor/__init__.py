"""``focys doctor``: looks at everything the service stands on, and says what is wrong and what mends it.

finding.py        what a check answers
configuration.py  what the settings themselves show; no I/O
keeping.py        the database: reachable, schema, keys
timing.py         this machine's clock, the database's, the phones'
mailing.py        the mail server, a test letter, the outbox
outside.py        a time server, the certificate, the service behind its public address
workers.py        the running service, and how many processes of it
machine.py        Redis, Argon2, pages, disk, log file
examination.py    runs them all; a check that breaks is a finding, too
report.py         the table for a terminal, and the text for a ticket
"""

from focys.cli.doctor.command import doctor

__all__ = ["doctor"]
