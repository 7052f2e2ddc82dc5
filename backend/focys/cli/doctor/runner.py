"""``focys doctor``: runs all checks. A check that breaks is a finding, too, so the doctor never ends in a traceback."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from focys.cli.console import out
from focys.cli.doctor import checks_database, checks_local, checks_network, checks_stored
from focys.cli.doctor.report import Finding, Report, State, as_text, fail, show
from focys.infra.db.rights import has_roles, rights_of
from focys.infra.mail.mailer import ConsoleMailer
from focys.infra.ops import logs
from focys.infra.ops.clock import DatabaseClock, SystemClock
from focys.services import Services, build_services
from focys.settings import PAGES, Settings, SettingsError, load_settings

CLOSE_SECONDS = 0.1


def doctor(
    support: Annotated[
        bool, typer.Option("--support", help="Print plain text for a ticket: no secrets, addresses or hosts.")
    ] = False,
    send_test: Annotated[
        str | None, typer.Option("--send-test", metavar="ADDRESS", help="Send a test email to this address.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="URL", help="Where it listens, if not at http://127.0.0.1:8000.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Fail a sign-in through PUBLIC_URL, to see which address is counted.")
    ] = False,
) -> None:
    """Check everything the service depends on, and say how to fix what is wrong.

    Example: [bold]focys doctor --send-test you@example.com[/]
    """
    # Errors are in the report.
    logs.configure(pretty=False, quiet=True)
    report = asyncio.run(examine(send_test=send_test, probe=probe, service=service))
    if support:
        print(as_text(report))
    else:
        show(report, out)
    if not report.is_healthy:
        raise typer.Exit(1)


async def examine(*, send_test: str | None = None, probe: bool = False, service: str | None = None) -> Report:
    """Run all checks; *send_test* is the recipient of a test email, *service* our own URL."""
    report = Report()
    try:
        settings = load_settings()
        report.public_url = checks_local.public_origin(settings)
    except SettingsError as fault:
        report.findings = [_unusable(problem) for problem in fault.problems]
        return report
    except (OSError, ValueError) as fault:
        report.findings = [_unusable(f"the file .env cannot be read ({type(fault).__name__})")]
        return report
    report.findings += checks_local.check_settings(settings)
    await _examine_database(report, settings, probe=probe)
    report.findings += await _examine_clock_and_certificate(settings)
    report.findings += await _mail(settings, send_test)
    report.findings.append(await _guarded("limits", checks_network.check_limits(settings)))
    found = checks_network.check_workers((service or checks_network.SERVICE).rstrip("/"), is_local=settings.is_local)
    report.findings.append(await _guarded("workers", found))
    report.findings += [checks_local.check_argon2(settings), checks_local.check_pages(PAGES)]
    report.findings.append(checks_local.check_log_file(settings.log_file))
    report.findings += checks_local.check_disks(settings)
    return report


async def _examine_clock_and_certificate(settings: Settings) -> list[Finding]:
    found = [await _guarded("time", checks_network.check_time())]
    if settings.is_secure:
        found.append(await _guarded("certificate", checks_network.check_certificate(settings, SystemClock().now())))
    return found


async def _examine_database(report: Report, settings: Settings, *, probe: bool) -> None:
    obstacle = checks_database.check_files(settings)
    if obstacle is not None:
        report.findings.append(obstacle)
        return
    try:
        # Redis and SMTP have checks of their own, and must not stop the others.
        services = build_services(
            settings.model_copy(update={"rate_limit_storage": "database"}), mailer=ConsoleMailer()
        )
    except SettingsError:
        report.findings.append(fail("keys", "the generated key is damaged", checks_database.RESTORE_KEY))
        return
    try:
        reachable = await checks_database.check_reachable(services.database)
        report.findings.append(reachable)
        if reachable.state is not State.FAIL:
            report.database = await services.database.version()
            report.findings += await _in_the_database(services)
            if probe:
                probed = checks_network.check_forwarding(settings, services.database, services.clock.now())
                report.findings.append(await _guarded("forwarding", probed))
    finally:
        await services.close()


async def _in_the_database(services: Services) -> list[Finding]:
    database = services.database
    schema = await _guarded("schema", checks_database.check_schema(database))
    clock = await _guarded("clock", checks_database.check_clock(database, SystemClock()))
    if schema.state is State.FAIL:
        return [schema, clock]
    if isinstance(services.clock, DatabaseClock):
        services.clock.set(await database.now())

    async def role() -> Finding:
        return checks_database.rights_finding(await rights_of(database))

    async def keys() -> Finding:
        fallbacks = len(services.settings.secret_key_fallbacks)
        return checks_database.keys_finding(await services.totp.count_by_key(), fallbacks=fallbacks)

    async def bypasses() -> Finding:
        return checks_database.bypasses_finding(await services.bypasses.list_not_over(), services.clock.now())

    async def addresses() -> Finding:
        return checks_local.addresses_finding(await services.sessions.lone_address(), services.settings)

    async def accounts() -> Finding:
        return checks_stored.accounts_finding(await services.accounts.count_unusable())

    async def phones() -> Finding:
        return checks_database.phones_finding(await services.accounts.count_clock_offsets())

    return [
        schema,
        *([await _guarded("role", role())] if has_roles(database) else []),
        *(
            [await _guarded("database tls", checks_stored.check_encryption(database, services.settings))]
            if has_roles(database)
            else []
        ),
        await _guarded("accounts", accounts()),
        await _guarded("keys", keys()),
        clock,
        await _guarded("phones", phones()),
        *([] if services.settings.is_local else [await _guarded("addresses", addresses())]),
        await _guarded("mfa bypass", bypasses()),
        await _guarded("outbox", checks_database.check_outbox(services.outbox)),
    ]


async def _mail(settings: Settings, send_test: str | None) -> list[Finding]:
    mailer = checks_network.open_mailer(settings)
    if isinstance(mailer, Finding):
        return [mailer]
    found = [await _guarded("mail", checks_network.check_mail(mailer, settings))]
    if send_test is not None:
        sent = checks_network.check_test_email(mailer, settings, send_test, SystemClock().now())
        found.append(await _guarded("test email", sent))
    # An aborted connection is closed in the next turns of the loop, which is about to end.
    await asyncio.sleep(CLOSE_SECONDS)
    return found


async def _guarded(name: str, check: Awaitable[Finding]) -> Finding:
    try:
        return await check
    except (SQLAlchemyError, OSError) as fault:
        return fail(name, f"no response ({type(fault).__name__})", "run focys doctor again, and see the database's log")
    except Exception as fault:  # noqa: BLE001  the other checks still run
        return fail(name, f"the check failed ({type(fault).__name__})", "report it, with focys doctor --support")


def _unusable(problem: str) -> Finding:
    return fail("settings", problem, "fix it in the environment or in backend/.env")
