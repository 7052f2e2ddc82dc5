"""``focys networks``: lists networks with too many wrong passwords, and unlocks one."""

from typing import Annotated

import typer

from focys.cli.app import new_app
from focys.cli.console import out, success
from focys.cli.operator import run
from focys.cli.tables import AsJson, Column, print_list
from focys.features.throttling import NetworkUsage


def _state(used: NetworkUsage) -> str:
    return "waits" if used.is_full else "near"


NONE_NEAR = "No network is near a limit."
_COLUMNS = (
    Column[NetworkUsage]("Network", lambda used: used.network),
    Column[NetworkUsage]("State", _state, lambda used: "red" if used.is_full else ""),
    Column[NetworkUsage]("Wrong passwords", lambda used: f"{used.usage.failures.count} of {used.limit.failures}"),
    Column[NetworkUsage]("Accounts", lambda used: f"{used.usage.accounts.count} of {used.limit.accounts}"),
    Column[NetworkUsage]("Until (UTC)", lambda used: f"{used.until:%Y-%m-%d %H:%M:%S}"),
    Column[NetworkUsage]("Own network", lambda used: "yes" if used.is_own else "no"),
)

app = new_app("List networks near a limit for wrong passwords; unlock one.")


@app.command("list")
def list_networks(as_json: AsJson = False) -> None:
    """List the networks that have used half of a limit or more, those at a limit first.

    A network is an IPv4 address or an IPv6 /64; its limits are NETWORK_PASSWORD_FAILURES in 15 minutes and
    NETWORK_ACCOUNTS in an hour, or those of OWN_NETWORKS. In a pipe, tabs separate the columns.

    Example: [bold]focys networks list[/]
    """
    near = run(lambda services, _operator: services.networks.list_near_limit())
    print_list(near, _COLUMNS, as_json=as_json, nothing=NONE_NEAR, record=_record)


@app.command()
def unlock(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="An address, or a network as the list shows it.", show_default=False),
    ],
) -> None:
    """Clear the wrong passwords counted for a network, so that people there can sign in at once.

    Wrong passwords counted for one account are kept; focys users unlock clears those.

    Example: [bold]focys networks unlock 203.0.113.7[/]
    """
    name, was_known = run(lambda services, operator: services.networks.unlock(network, operator))
    if was_known:
        success(f"Unlocked {name}. Its wrong passwords no longer count.")
    else:
        out.print(f"There is nothing to clear: {name} has sent no wrong passwords recently.", markup=False)


def _record(used: NetworkUsage) -> dict[str, object]:
    usage, limit = used.usage, used.limit
    return {
        "network": used.network,
        "state": _state(used),
        "wrong_passwords": usage.failures.count,
        "wrong_passwords_limit": limit.failures,
        "accounts": usage.accounts.count,
        "accounts_limit": limit.accounts,
        "until": used.until,
        "is_own": used.is_own,
    }
