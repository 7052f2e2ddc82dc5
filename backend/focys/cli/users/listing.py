"""``focys users list``."""

from typing import Annotated

import typer

from focys.cli.operator import run
from focys.cli.tables import AsJson, Column, day, print_list
from focys.cli.users.words import color_of, record_of, words_for
from focys.features.admin import Person, State

_COLUMNS = (
    Column[Person]("Email", lambda person: person.account.email),
    Column[Person]("Name", lambda person: person.account.display_name),
    Column[Person]("Role", lambda person: person.account.role),
    Column[Person]("State", words_for, color_of),
    Column[Person]("Created", lambda person: day(person.account.created_at)),
)
_EMPTY = "There are no accounts yet. Create one: focys users create dana@example.com"


def list_accounts(
    locked: Annotated[bool, typer.Option("--locked", help="Only those locked after wrong codes.")] = False,
    guarded: Annotated[bool, typer.Option("--guarded", help="Only those asked for two codes in a row.")] = False,
    not_enrolled: Annotated[bool, typer.Option("--not-enrolled", help="Only those without an authenticator.")] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Only those that are disabled.")] = False,
    admins: Annotated[bool, typer.Option("--admins", help="Only administrators.")] = False,
    as_json: AsJson = False,
) -> None:
    """List accounts and their states; with several filters, those that match all of them.

    In a pipe, tabs separate the columns, and no value is cut off.

    Example: [bold]focys users list --locked[/]
    """
    people = run(lambda services, _operator: services.directory.list_people())
    flags = {State.LOCKED: locked, State.GUARDED: guarded, State.NOT_ENROLLED: not_enrolled, State.DISABLED: disabled}
    wanted = {state for state, is_wanted in flags.items() if is_wanted}
    found = [p for p in people if wanted <= {*p.states} and (p.account.role == "admin" or not admins)]
    nothing = "No account matches." if people else _EMPTY
    print_list(found, _COLUMNS, as_json=as_json, nothing=nothing, record=record_of)
