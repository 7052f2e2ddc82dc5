"""``focys backup``: whether a backup could be restored and read, and what is done after it was.

dump.py      what kind of file it is, and the SQL in it
scratch.py   a database of its own, made for the trial and dropped after it
driver.py    a connection to the server of the trial
restoring.py the SQL into the scratch database, piece by piece
findings.py  what stands in it, and what must not
trial.py     all of that, one after the other
command.py   the commands
"""

from focys.cli.backup.command import app

__all__ = ["app"]
