"""``focys keys new`` and ``focys keys retire``: the key file is replaced, whatever interrupts it, and however often."""

import os
import stat
import sys
from asyncio import to_thread
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from focys.infra.crypto import key_files as replacing
from focys.settings import key_files, load_settings
from tests.cli.conftest import Focys
from tests.conftest import SECRET_KEY, MakeWorld
from tests.support.service import Account, World

KILLED = 9


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that SECRET_KEY is read from."""
    file = tmp_path / "etc" / "secret_key"
    file.parent.mkdir()
    file.write_text(f"{SECRET_KEY}\n")
    file.chmod(0o640)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    return file


@pytest.fixture
def focys(focys: Focys, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Focys:
    """The commands, with the key in a file."""
    monkeypatch.delenv("SECRET_KEY", raising=False)
    return focys


def former_of(key_file: Path) -> Path:
    return key_file.with_name("secret_key_fallbacks")


def age(key_file: Path, **by: float) -> None:
    then = (datetime.now(UTC) - timedelta(**by)).timestamp()
    os.utime(key_file, (then, then))


async def test_a_key_is_replaced_while_everyone_keeps_their_authenticator(
    world: World, make_world: MakeWorld, focys: Focys, key_file: Path
):
    """CRY-03: and the old key is gone in the end."""
    alice = await world.an_account(enrolled=True)

    made = await to_thread(focys, "keys", "new")
    both, current = load_settings().keys, former_of(key_file).read_text().strip()
    rotated = await to_thread(focys, "keys", "rotate")
    age(key_file, hours=25)
    retired = await to_thread(focys, "keys", "retire")
    one = load_settings().keys

    assert made.exit_code == rotated.exit_code == retired.exit_code == 0, made.output + rotated.output + retired.output
    assert "systemctl restart focys-backend" in made.stdout
    assert "Moved 1 secret to the newest key." in rotated.stdout
    assert (both[1:], current) == ((SECRET_KEY,), SECRET_KEY)
    assert one == both[:1]
    assert SECRET_KEY not in made.output + rotated.output + retired.output
    assert await can_sign_in(make_world, world, one[0], alice)


async def can_sign_in(make_world: MakeWorld, world: World, key: str, account: Account) -> bool:
    world.clock.advance(seconds=60)
    async with make_world(secret_key=key, clock=world.clock) as after:
        await after.signed_in(account)
    return True


def test_the_files_keep_their_owner_and_permissions(focys: Focys, key_file: Path):
    if os.geteuid() == 0:
        os.chown(key_file, 0, 12345)
    before = key_file.stat()

    focys("keys", "new")

    for file in (key_file, former_of(key_file)):
        after = file.stat()
        assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)
    assert sorted(file.name for file in key_file.parent.iterdir()) == ["secret_key", "secret_key_fallbacks"]


def test_pasted_twice_it_makes_one_key(focys: Focys, key_file: Path):
    focys("keys", "new")
    first = key_file.read_text()

    again = focys("keys", "new")

    assert again.exit_code == 0
    assert "There is a new key already" in again.stdout
    assert (key_file.read_text(), former_of(key_file).read_text()) == (first, f"{SECRET_KEY}\n")


def test_interrupted_anywhere_and_repeated_it_loses_no_key(key_file: Path, focys: Focys):
    """CRY-03: the key in use is in one of the files at every moment, and the service starts with them."""
    lines = 0
    while is_interrupted(after=lines):
        left = load_settings().keys
        again = focys("keys", "new")
        made = key_file.read_text().strip()

        assert left[-1] == SECRET_KEY
        assert again.exit_code == 0, again.output
        assert load_settings().keys == (made, SECRET_KEY)
        assert made != SECRET_KEY
        key_file.write_text(f"{SECRET_KEY}\n")
        former_of(key_file).unlink()
        lines += 1

    assert lines > 30


def is_interrupted(*, after: int) -> bool:
    """Make a new key in a process that is killed after this many lines of code; False if it was done by then."""
    files, left = key_files(load_settings()), after
    assert files is not None

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != replacing.__file__:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                os._exit(KILLED)
        return trace

    process = os.fork()
    if process == 0:
        sys.settrace(trace)
        replacing.replace_key(files)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in {0, KILLED}
    return code == KILLED


def test_an_interrupted_replacement_leaves_the_service_able_to_start(key_file: Path, focys: Focys):
    former_of(key_file).write_text(f"{SECRET_KEY}\n")

    before = load_settings().keys
    made = focys("keys", "new")

    assert before == (SECRET_KEY,)
    assert "Made a new key" in made.stdout


def test_the_old_key_stays_for_a_day(focys: Focys, key_file: Path):
    focys("keys", "new")
    age(key_file, hours=23)

    early = focys("keys", "retire")
    is_there = former_of(key_file).exists()
    forced = focys("keys", "retire", "--now")
    again = focys("keys", "retire")

    assert early.exit_code == 1
    assert "sessions may still need the old key" in early.stderr
    assert is_there
    assert forced.stdout.startswith("✓ Deleted the old key.")
    assert again.exit_code == 0
    assert again.stdout.startswith("✓ There is no old key.")


async def test_the_old_key_stays_while_a_secret_needs_it(world: World, focys: Focys, key_file: Path):
    await world.an_account(enrolled=True)
    await to_thread(focys, "keys", "new")
    age(key_file, days=2)

    refused = await to_thread(focys, "keys", "retire", "--now")

    assert refused.exit_code == 1
    assert "focys keys rotate" in refused.stderr
    assert former_of(key_file).read_text() == f"{SECRET_KEY}\n"


def test_the_generated_key_can_be_replaced(command: Focys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    generated = load_settings().keys

    made = command("keys", "new")

    assert made.exit_code == 0, made.output
    assert load_settings().keys == ((tmp_path / "secret_key").read_text().strip(), *generated)


def test_a_key_that_is_not_in_a_file_is_not_replaced(command: Focys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("DATABASE_URL", "postgresql://focys:x@localhost/focys_db")

    refused = command("keys", "new")

    assert refused.exit_code == 1
    assert "SECRET_KEY_FILE" in refused.stderr
