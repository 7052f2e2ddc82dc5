"""Creates an SQLite database's file for its owner only; SQLite would create it under the process's umask."""

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine, event


def create_privately(engine: Engine) -> None:
    """Create the file when the engine first connects, unless it exists. SQLite gives its journal the same mode."""
    database = engine.url.database
    if not database or database == ":memory:":
        return

    def create(*_: object) -> None:
        # Whatever is wrong with the folder, opening the database reports it.
        with suppress(OSError):
            os.close(os.open(Path(database), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    event.listen(engine, "do_connect", create)
