"""``focys doctor``: checks everything the service depends on, and says how to fix what is wrong.

report.py           findings, and how they are printed
checks_local.py     the settings and their files, and this machine; no network
checks_database.py  the database, and what it knows
checks_stored.py    the way to the database, and rows that another program wrote
checks_mail.py      the mail server, and email that waits
checks_network.py   Redis, and PUBLIC_URL as a browser sees it
checks_service.py   the running service, its unit and its backups
runner.py           the command, which runs them all

Each check returns a finding; what a reading means is decided by a pure function named ``…_finding``.
"""

from focys.cli.doctor.runner import doctor

__all__ = ["doctor"]
