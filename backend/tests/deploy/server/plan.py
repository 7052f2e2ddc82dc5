"""The order in which the documents are followed: on one server, and on the one that replaces it."""

from collections.abc import Iterator

from tests.deploy.server.blocks import DOCS, blocks_of

DEPLOYMENT, RUNBOOK = DOCS / "DEPLOYMENT.md", DOCS / "RUNBOOK.md"
SIGN_IN = "the first sign-in over TLS"
A_DAY = "a day passes"
COPIES = "copies are kept elsewhere"
OTHER_DATABASE = "a database on another machine"
SIGN_IN_THERE = "a sign-in after the move"
KEY_BACK = "the key is put back"
BACKUP_BACK = "the backup and its passphrase are put back"
FOUND_AGAIN = "the accounts are there again"
ON_NEW_SERVER = "on a new server: "
# For a database on another machine; the runbook's commands are for one on this machine.
ELSEWHERE = {"Moving to it", "PgBouncer in between"}
LAST_BEFORE_RESTORE = 8

BLOCKS = [*blocks_of(DEPLOYMENT), *blocks_of(RUNBOOK)]
_RETIRES = next(block.name for block in BLOCKS if "focys keys retire\n" in block.commands)
_DEPLOYMENT = [block for block in BLOCKS if block.document == DEPLOYMENT.name]
_RUNBOOK = [block for block in BLOCKS if block.document == RUNBOOK.name]
_BACKS_UP = next(block.name for block in _RUNBOOK if "systemctl start focys-backup" in block.commands)


def names_of_first_server() -> Iterator[str]:
    """Yield what is done on the first server, in order."""
    yield from (block.name for block in _DEPLOYMENT if block.heading not in ELSEWHERE)
    yield SIGN_IN
    for block in _RUNBOOK:
        yield from [A_DAY] if block.name == _RETIRES else []
        yield block.name
        yield from [COPIES] if block.name == _BACKS_UP else []
    yield OTHER_DATABASE
    yield from (block.name for block in BLOCKS if block.heading in ELSEWHERE)
    yield SIGN_IN_THERE


def names_of_new_server() -> Iterator[str]:
    """Yield what is done on the server that replaces the first after its loss."""
    for number in range(1, LAST_BEFORE_RESTORE + 1):
        yield from [KEY_BACK] if number == LAST_BEFORE_RESTORE - 1 else []
        yield from _names_of_step(number)
    needed, restricts = (block.name for block in BLOCKS if block.heading == "On a new server")
    yield from (needed, BACKUP_BACK, restricts)
    yield from (block.name for block in BLOCKS if block.heading == "Restore")
    yield from _names_of_step(10)
    yield from _names_of_step(11)
    yield FOUND_AGAIN


def _names_of_step(number: int) -> list[str]:
    return [block.name for block in _DEPLOYMENT if block.heading.startswith(f"{number}. ")]


NAMES = [*names_of_first_server(), *(ON_NEW_SERVER + name for name in names_of_new_server())]
