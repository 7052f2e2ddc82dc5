"""``focys users set-password``, and where a password comes from."""

import sys

import typer

from focys.cli.console import fail, success
from focys.cli.operator import run
from focys.cli.users.arguments import Email, PasswordStdin
from focys.domain.passwords import MAX_BYTES, Weakness


def set_password(email: Email, password_stdin: PasswordStdin = False) -> None:
    """Give an account a new password; all its sessions end.

    Example: [bold]focys users set-password dana@example.com[/]
    """
    run(lambda services, _operator: services.accounts.get(email))
    password = read_password(from_stdin=password_stdin)
    run(lambda services, operator: services.administration.set_password(email, password, operator))
    success(f"Set the password of {email}. All its sessions have ended.")


def read_password(*, from_stdin: bool) -> str:
    """Return the password from the first line of standard input, or ask for it twice on a terminal."""
    if from_stdin:
        return _first_line()
    if not sys.stdin.isatty():
        fail("Not a terminal: pipe the password in with --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _first_line() -> str:
    """Return the first line, reading no more than the longest password."""
    line = sys.stdin.buffer.readline(MAX_BYTES + len("\r\n"))
    if not line:
        fail("There is no password on standard input.")
    if not line.endswith(b"\n") and len(line) > MAX_BYTES:
        fail(Weakness.TOO_LONG)
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        fail("The password is not valid UTF-8.")
