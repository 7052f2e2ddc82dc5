"""``focys networks``: lists networks with too many wrong passwords, and unlocks one."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from focys.cli.console import out, success
from focys.cli.operator import run
from focys.features.throttling import NetworkUsage
from focys.infra.web.caller import Caller
from focys.services import Services

HEAD = ("Network", "State", "Wrong passwords", "Accounts", "Until (UTC)", "Own network")
NONE_NEAR = "No network is near a limit."

app = typer.Typer(help="List networks near a limit for wrong passwords; unlock one.", no_args_is_help=True)


@app.command("list")
def list_networks() -> None:
    """List the networks that have used half of a limit or more, those at a limit first.

    A network is an IPv4 address or an IPv6 /64; its limits are NETWORK_PASSWORD_FAILURES in 15 minutes and
    NETWORK_ACCOUNTS in an hour, or those of OWN_NETWORKS. In a pipe, tabs separate the columns.

    Example: [bold]focys networks list[/]
    """

    async def act(services: Services, _operator: Caller) -> list[NetworkUsage]:
        return await services.networks.list_near_limit()

    near = [_row(standing) for standing in run(act)]
    if not near:
        out.print(NONE_NEAR)
    elif out.is_terminal:
        table = Table(*HEAD, box=None, header_style="bold")
        for network, state, *rest in near:
            table.add_row(escape(network), f"[red]{state}[/]" if state == "waits" else state, *rest)
        out.print(table)
    else:
        for row in (HEAD, *near):
            print("\t".join(row))


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


def _row(standing: NetworkUsage) -> tuple[str, ...]:
    usage, limit = standing.usage, standing.limit
    return (
        standing.network,
        "waits" if standing.is_full else "near",
        f"{usage.failures.count} of {limit.failures}",
        f"{usage.accounts.count} of {limit.accounts}",
        f"{standing.until:%Y-%m-%d %H:%M:%S}",
        "yes" if standing.is_own else "no",
    )
