"""``focys keys``: replaces SECRET_KEY, and re-encrypts what it protects."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from focys.cli.app import new_app
from focys.cli.console import cli_errors, err, fail, out, success
from focys.cli.operator import run
from focys.features.totp import Rotation, SecretsByKey
from focys.infra.crypto.key_files import forget_former_keys, former_keys_in, replace_key
from focys.infra.ops.clock import SystemClock
from focys.infra.web.caller import Caller
from focys.services import Services
from focys.settings import KeyFiles, key_files, load_settings

SESSIONS_RENEWED = timedelta(hours=24)
"""Every session is renewed within this time, and then depends on the newest key only."""

app = new_app("Replace SECRET_KEY, and re-encrypt the stored secrets.")


@app.callback()
def keys() -> None:
    """Replace SECRET_KEY, and re-encrypt the stored secrets."""


@app.command()
def new() -> None:
    """Make a new SECRET_KEY; the old one stays, to decrypt what it encrypted. Safe to interrupt and to repeat.

    Then restart the service, and run focys keys rotate. A day later: focys keys retire.

    Example: [bold]focys keys new[/]
    """
    files = _key_files()
    with _file_errors():
        made = replace_key(files)
    if made:
        success(f"Made a new key; the old one is now in {files.former}.")
    else:
        success(f"There is a new key already; the old one is still in {files.former}.")
    out.print("  Next, restart the service: systemctl restart focys-backend")
    out.print("  On several hosts, first copy both files to each of them.")
    out.print("  Only then re-encrypt what the old key encrypted: focys keys rotate")


@app.command()
def retire(
    at_once: Annotated[bool, typer.Option("--now", help="Even if this ends sessions, as after a leak.")] = False,
) -> None:
    """Delete the old keys, once no secret and no session needs them.

    Example: [bold]focys keys retire[/]
    """
    files = _key_files()
    with _file_errors():
        is_there = bool(former_keys_in(files))
        made_at = datetime.fromtimestamp(files.current.stat().st_mtime, UTC)
    if is_there:
        _check_unneeded(run(_count_by_key))
        until = made_at + SESSIONS_RENEWED
        if not at_once and SystemClock().now() < until:
            fail(
                f"Until {until:%Y-%m-%d %H:%M} UTC, sessions may still need the old key.",
                "Wait until then, or use --now to end those sessions.",
            )
    with _file_errors():
        forget_former_keys(files)
    success("Deleted the old key." if is_there else "There is no old key.")
    out.print("  Next, restart the service: systemctl restart focys-backend")


async def _count_by_key(services: Services, _operator: Caller) -> SecretsByKey:
    return await services.totp.count_by_key()


def _check_unneeded(counted: SecretsByKey) -> None:
    if counted.older or counted.unknown:
        fail(
            f"{counted.older + counted.unknown} secrets are not encrypted with the newest key.",
            "Re-encrypt them first: focys keys rotate",
        )


def _key_files() -> KeyFiles:
    with cli_errors():
        settings = load_settings()
        _ = settings.keys  # a corrupted key is restored, never replaced
        files = key_files(settings)
    if files is None:
        fail(
            "SECRET_KEY is not read from a file.",
            "Put it into a file of its own, and set SECRET_KEY_FILE to that file instead.",
        )
    return files


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        fail(f"{fault.filename or 'The key'} cannot be read or replaced ({fault.strerror}).", "Run this as root.")


@app.command()
def rotate() -> None:
    """Re-encrypt every TOTP secret that is not under the newest key. Safe while people sign in, and to repeat.

    First make a new key (focys keys new), and restart every worker.

    Example: [bold]focys keys rotate[/]
    """

    async def act(services: Services, operator: Caller) -> Rotation:
        columns = (TextColumn("Secrets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
            task = bar.add_task("", total=None)
            return await services.administration.rotate_keys(
                operator, lambda seen, total: bar.update(task, completed=seen, total=total)
            )

    rotation = run(act)
    success(_moved(rotation.reencrypted))
    for key_id in rotation.unneeded:
        out.print(f"  No secret needs the key {key_id} in SECRET_KEY_FALLBACKS any more.")
    if rotation.unneeded:
        out.print("  Remove it once the workers have run with the new key for 24 hours, so that no session needs it.")
    if rotation.unreadable:
        kept = f"Keep the key {', '.join(rotation.needed)} until then." if rotation.needed else ""
        whose = "1 account" if rotation.unreadable == 1 else f"{rotation.unreadable} accounts"
        fail(
            f"The secrets of {whose} could not be decrypted and were left unchanged.",
            "If a key is missing, add it to SECRET_KEY_FALLBACKS and run this again;",
            "otherwise the owners need a backup code, or focys users reset-mfa EMAIL.",
            *filter(None, [kept]),
        )


def _moved(count: int) -> str:
    match count:
        case 0:
            return "There was nothing to re-encrypt."
        case 1:
            return "Moved 1 secret to the newest key."
        case _:
            return f"Moved {count} secrets to the newest key."
