"""``focys backup``: checks that a backup can be restored and read, and voids what a restore brought back.

dump.py      the kinds of file, and the SQL in them
scratch.py   a temporary database for the trial
restore.py   the SQL into that database, by psql
findings.py  what the restored database holds, and must not hold
trial.py     all of the above, in order
command.py   the commands
"""

from focys.cli.backup.command import app

__all__ = ["app"]
