"""``focys serve``: pages and API in one process."""

import socket
from typing import Annotated

import typer
import uvicorn

from focys.cli.console import cli_errors, err, fail, out
from focys.infra.web.heads import PROTOCOL
from focys.settings import DEMO_PAGES, PAGES, Settings, load_settings

Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]


def serve(
    port: Port = 8000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    demo: Annotated[
        bool, typer.Option("--demo", help="Try it: demo accounts and a demo phone, on this machine only.")
    ] = False,
) -> None:
    """Serve the pages at / and the API at /api, in one process.

    Without any configuration, it stores everything in its own SQLite file.

    Example: [bold]focys serve --port 8000[/]
    """
    with cli_errors():
        settings = _settings(port, is_demo=demo)
        if demo:
            _check_demo(settings, host)
        if not ((DEMO_PAGES if demo else PAGES) / "index.html").is_file():
            fail(
                "The pages are not built.",
                f"Build them: make run, or cd frontend && npm install && npm run build{':demo' if demo else ''}",
            )
        _check_port(host, port)
        _prepare(settings, demo=demo)
    _greet(settings, demo=demo)
    from focys.app import create_site  # noqa: PLC0415  greet the terminal before the slow import

    uvicorn.run(
        create_site(settings, demo=demo),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        http=PROTOCOL,
        # TRUSTED_PROXIES decides whose forwarded headers count.
        proxy_headers=False,
    )


def _settings(port: int, *, is_demo: bool) -> Settings:
    settings = load_settings(is_demo=is_demo)
    is_named = "public_url" in settings.model_fields_set
    return settings if is_named else load_settings(is_demo=is_demo, public_url=f"http://localhost:{port}")


def _check_demo(settings: Settings, host: str) -> None:
    from focys.cli.demo import why_no_demo  # noqa: PLC0415  needs the app

    problem = why_no_demo(settings, host)
    if problem:
        fail(f"--demo is for trying FOCYS on this machine: {problem}.")


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            fail(
                f"Port {port} cannot be used: {fault.strerror}.",
                f"Choose another: make run PORT={port + 1}",
            )


def _prepare(settings: Settings, *, demo: bool) -> None:
    from focys.cli.demo import create_demo_accounts  # noqa: PLC0415  needs the app
    from focys.cli.operator import run  # noqa: PLC0415  needs the app

    if demo:
        run(create_demo_accounts, is_demo=True)
    elif settings.is_embedded:
        from focys.infra.db.schema import migrate  # noqa: PLC0415  needs alembic

        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        migrate(settings.database)


def _greet(settings: Settings, *, demo: bool) -> None:
    out.print(f"\n  [bold]{settings.app_name}[/] is at [bold cyan]{settings.public_url}[/]\n")
    if demo:
        _greet_demo(settings)
    elif not settings.smtp_host:
        out.print("  Create an account: [bold]focys users create you@example.com[/]")
    out.print("  Stop with Ctrl-C.\n", style="dim")
    if not settings.smtp_host and not settings.is_local:
        err.print("[bold yellow]![/] Email codes go to this console until SMTP_HOST is set.")


def _greet_demo(settings: Settings) -> None:
    from focys.cli.demo import DEMO_ACCOUNTS  # noqa: PLC0415  needs the app

    (address, _, _, password), *others = DEMO_ACCOUNTS
    out.print(f"  Sign in as [bold]{address}[/] with the password [bold]{password}[/].")
    out.print("  The emailed code appears below, on this console.")
    out.print(f"  Without a phone, use the demo phone: [bold cyan]{settings.public_url}/demo/phone[/]\n")
    for address, _, role, password in others:
        out.print(f"  Also: {address}, {password}{' (administrator)' if role == 'admin' else ''}", style="dim")
