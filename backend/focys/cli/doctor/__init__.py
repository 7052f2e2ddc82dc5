"""``focys doctor``: checks everything the service depends on, and says how to fix what is wrong.

report.py           findings, and how they are printed
checks_local.py     the settings, and this machine; no network
checks_database.py  the database, and what it knows
checks_stored.py    the way to the database, and rows that another program wrote
checks_network.py   SMTP, Redis, PUBLIC_URL, the running service
runner.py           the command, which runs them all
"""

from focys.cli.doctor.runner import doctor

__all__ = ["doctor"]
