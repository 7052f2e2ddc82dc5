"""``focys doctor``: runs all checks. A check that breaks is a finding, too, so the doctor never ends in a traceback."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from focys.cli.console import out
from focys.cli.doctor import checks_database, checks_local, checks_mail, checks_network, checks_service, checks_stored
from focys.cli.doctor.checks_database import Names
from focys.cli.doctor.report import Finding, Report, State, as_json, as_text, fail, show
from focys.infra.db.rights import has_roles, rights_of
from focys.infra.mail.mailer import ConsoleMailer, mailer_for
from focys.infra.ops import logs
from focys.infra.ops.clock import DatabaseClock, SystemClock
from focys.services import Services, build_services
from focys.settings import PAGES, Settings, SettingsError, load_settings, private_values
from focys.settings.database_url import options_of

CLOSE_SECONDS = 0.1


def doctor(
    support: Annotated[
        bool, typer.Option("--support", help="Print plain text for a ticket: no secrets, addresses or hosts.")
    ] = False,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
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

    The exit status is 1 if anything fails, and 0 otherwise, also with warnings.

    Example: [bold]focys doctor --send-test you@example.com[/]
    """
    # Errors are in the report.
    logs.configure(pretty=False, quiet=True)
    report = asyncio.run(examine(send_test=send_test, probe=probe, service=service))
    if support:
        print(as_text(report))
    elif as_json_:
        print(as_json(report))
    else:
        show(report, out)
    if not report.is_healthy:
        raise typer.Exit(1)


async def examine(*, send_test: str | None = None, probe: bool = False, service: str | None = None) -> Report:
    """Run all checks; *send_test* is the recipient of a test email, *service* our own URL."""
    unread = checks_local.check_settings_file()
    report = Report([unread] if unread else [])
    if unread:
        return report
    try:
        settings = load_settings()
    except SettingsError as fault:
        report.findings = [checks_local.unusable(problem) for problem in fault.problems]
        return report
    except (OSError, ValueError) as fault:
        detail = f"the settings file cannot be read ({type(fault).__name__})"
        report.findings = [fail("settings", detail, checks_local.RESTRICT)]
        return report
    report.private = private_values(settings)
    report.findings += [*checks_local.check_settings(settings), checks_local.check_access(settings)]
    await _examine_database(report, settings, probe=probe)
    report.findings += await _examine_public_address(settings)
    report.findings += await _mail(settings, send_test)
    report.findings.append(await _guarded("limits", checks_network.check_limits(settings)))
    report.findings += await _examine_service(settings, (service or checks_service.SERVICE).rstrip("/"))
    report.findings += [checks_local.check_argon2(settings), checks_local.check_pages(PAGES)]
    report.findings.append(checks_local.check_log_file(settings.log_file))
    report.findings += checks_local.check_disks(settings)
    return report


async def _examine_public_address(settings: Settings) -> list[Finding]:
    if not settings.is_secure:
        return []
    certificate = await _guarded("certificate", checks_network.check_certificate(settings, SystemClock().now()))
    # Without a connection there is no page, either, and one line says so.
    if certificate.state is State.FAIL or settings.is_local or "cannot be reached" in certificate.detail:
        return [certificate]
    return [certificate, *await _all_guarded("public page", checks_network.check_public(settings))]


async def _examine_service(settings: Settings, service: str) -> list[Finding]:
    is_deployed = not settings.is_local
    return [
        *(await _all_guarded("unit", checks_service.check_unit()) if is_deployed else []),
        *await _all_guarded("workers", checks_service.check_service(service, is_local=settings.is_local)),
        *(await _all_guarded("metrics", checks_service.check_metrics_folder()) if is_deployed else []),
        *checks_service.check_local_proxy(settings),
        *await _all_guarded("backups", checks_service.check_backups(settings, SystemClock().now())),
        await _guarded("time", checks_service.check_time()),
    ]


async def _examine_database(report: Report, settings: Settings, *, probe: bool) -> None:
    obstacle = checks_database.check_files(settings)
    if obstacle is not None:
        report.findings.append(obstacle)
        return
    names = _names_in(settings)
    try:
        # Redis and SMTP have checks of their own, and must not stop the others.
        services = build_services(
            settings.model_copy(update={"rate_limit_storage": "database"}), mailer=ConsoleMailer()
        )
    except SettingsError:
        report.findings.append(fail("keys", "the generated key is damaged", checks_database.RESTORE_KEY))
        return
    try:
        reachable = await checks_database.check_reachable(services.database, names)
        report.findings.append(reachable)
        if reachable.state is not State.FAIL:
            report.database = await services.database.version()
            report.findings += await _in_the_database(services, names)
            if probe:
                probed = checks_network.check_forwarding(settings, services.database, services.clock.now())
                report.findings.append(await _guarded("forwarding", probed))
    finally:
        await services.close()


async def _in_the_database(services: Services, names: Names) -> list[Finding]:
    database = services.database

    async def role() -> Finding:
        return checks_database.rights_finding(await rights_of(database), names)

    first = [await _guarded("writes", checks_database.check_writes(database, names))]
    first += [await _guarded("role", role())] if has_roles(database) else []
    schema = await _guarded("schema", checks_database.check_schema(database, names))
    clock = await _guarded("clock", checks_database.check_clock(database, SystemClock()))
    if any(finding.state is State.FAIL for finding in (*first[1:], schema)):
        # What the role may not read, or what is not there yet, has been reported.
        return [*first, *([] if first[-1].state is State.FAIL and first[1:] else [schema]), clock]
    if isinstance(services.clock, DatabaseClock):
        services.clock.set(await database.now())

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
        *first,
        schema,
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
        await _guarded("outbox", checks_mail.check_outbox(services.outbox, mailer_for(services.settings))),
    ]


async def _mail(settings: Settings, send_test: str | None) -> list[Finding]:
    mailer = mailer_for(settings)
    found = [await _guarded("mail", checks_mail.check_mail(mailer, settings))]
    if send_test is not None:
        sent = checks_mail.check_test_email(mailer, settings, send_test, SystemClock().now())
        found.append(await _guarded("test email", sent))
    # An aborted connection is closed in the next turns of the loop, which is about to end.
    await asyncio.sleep(CLOSE_SECONDS)
    return found


async def _all_guarded(name: str, checks: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await checks
    except Exception as fault:  # noqa: BLE001  the other checks still run
        return [_broken(name, fault)]


async def _guarded(name: str, check: Awaitable[Finding]) -> Finding:
    try:
        return await check
    except (SQLAlchemyError, OSError) as fault:
        return fail(name, f"no response ({type(fault).__name__})", "run focys doctor again, and see the database's log")
    except Exception as fault:  # noqa: BLE001  the other checks still run
        return _broken(name, fault)


def _broken(name: str, fault: Exception) -> Finding:
    return fail(name, f"the check failed ({type(fault).__name__})", "report it, with focys doctor --support")


def _names_in(settings: Settings) -> Names:
    if settings.is_embedded or settings.database.startswith("sqlite"):
        return Names()
    options = options_of(settings.database_url.get_secret_value())
    return Names(options.get("dbname", "focys_db"), options.get("user", "focys"))
