"""The root command."""

import json
from typing import Annotated

import typer

from focys import __version__
from focys.cli import audit, backup, keys, mfa, networks, serve, sessions, users
from focys.cli.app import new_app
from focys.cli.completion import answer_shells, completion
from focys.cli.console import cli_errors, fail, success
from focys.cli.demo import create_demo_accounts
from focys.cli.doctor import doctor
from focys.cli.operator import run
from focys.cli.streams import sturdy_streams
from focys.infra.db.schema import migrate as migrate_database
from focys.settings import UNUSED_KEY, load_settings

app = new_app("A login service for your own app.", name="focys")
app.command("serve")(serve.serve)
app.command("doctor")(doctor)
app.command("completion")(completion)
app.add_typer(users.app, name="users")
app.add_typer(sessions.app, name="sessions")
app.add_typer(networks.app, name="networks")
app.add_typer(keys.app, name="keys")
app.add_typer(mfa.app, name="mfa")
app.add_typer(audit.app, name="audit")
app.add_typer(backup.app, name="backup")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """A login service for your own app."""
    if version:
        print(f"focys {__version__}")
        raise typer.Exit


@app.command()
def migrate() -> None:
    """Migrate the database to the schema this version needs. Safe to repeat, and on several machines at once.

    Example: [bold]focys migrate[/]
    """
    with cli_errors():
        settings = load_settings()
        if settings.is_embedded:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        migrate_database(settings.database)
    success("The database has the schema this version needs.")


@app.command(hidden=True)
def demo() -> None:
    """Migrate the embedded database and create the demo accounts in it."""
    with cli_errors():
        if not load_settings(is_demo=True).is_embedded:
            fail("Demo accounts are for the embedded database; DATABASE_URL is set.")
    run(create_demo_accounts, is_demo=True)
    success("The demo accounts exist; their passwords are in the README.")


@app.command(hidden=True)
def openapi() -> None:
    """Print the API's OpenAPI document."""
    from focys.app import create_app  # noqa: PLC0415  only this command needs the whole app

    print(json.dumps(create_app(load_settings(data_dir="/nonexistent", secret_key=UNUSED_KEY)).openapi(), indent=2))


def main() -> None:
    """Run the command line."""
    answer_shells()
    with sturdy_streams():
        # The name is the same however it is started: focys, python -m focys or another program's wrapper.
        app(prog_name="focys")
