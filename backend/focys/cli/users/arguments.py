"""Arguments and options that several commands take."""

from typing import Annotated

import typer

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Force = Annotated[bool, typer.Option("--force", help="Even if this is the only administrator.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
