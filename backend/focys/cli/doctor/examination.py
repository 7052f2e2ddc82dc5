"""Runs all checks. A check that breaks is a finding, too: the doctor never leaves with a traceback."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from focys.cli.doctor import configuration, keeping, machine, mailing, outside, timing, workers
from focys.cli.doctor.finding import Finding, State, fail
from focys.infra.db.rights import has_roles, rights_of
from focys.infra.mail.mailer import ConsoleMailer
from focys.infra.ops.clock import DatabaseClock, SystemClock
from focys.services import Services, build_services
from focys.settings import PAGES, Settings, SettingsError, load_settings

NOT_READ = "not known"
LAST_WORDS_SECONDS = 0.1


@dataclass(slots=True)
class Report:
    """What was found, and on what it stands."""

    findings: list[Finding] = field(default_factory=list)
    database: str = NOT_READ
    public_url: str = NOT_READ

    @property
    def is_healthy(self) -> bool:
        """Whether nothing fails."""
        return all(finding.state is not State.FAIL for finding in self.findings)


async def examine(
    *, send_test: str | None = None, ntp: str | None = None, probe: bool = False, service: str | None = None
) -> Report:
    """Look at everything; *send_test* is the address of a test letter, *ntp* a time server's, *service* our own."""
    report = Report()
    try:
        settings = load_settings()
        report.public_url = configuration.public_origin(settings)
    except SettingsError as fault:
        report.findings = [_unusable(problem) for problem in fault.problems]
        return report
    except (OSError, ValueError) as fault:
        report.findings = [_unusable(f"the file .env cannot be read ({type(fault).__name__})")]
        return report
    report.findings += configuration.check_settings(settings)
    await _examine_database(report, settings, probe=probe)
    report.findings += await _outside(settings, ntp)
    report.findings += await _mail(settings, send_test)
    report.findings.append(await _guarded("limits", machine.check_limits(settings)))
    found = workers.check_workers((service or workers.SERVICE).rstrip("/"), is_local=settings.is_local)
    report.findings.append(await _guarded("workers", found))
    report.findings += [machine.check_argon2(settings), machine.check_pages(PAGES)]
    report.findings.append(machine.check_log_file(settings.log_file))
    report.findings += machine.check_disks(settings)
    return report


async def _outside(settings: Settings, ntp: str | None) -> list[Finding]:
    found = [await _guarded("time", outside.check_time(ntp))]
    if settings.is_secure:
        found.append(await _guarded("certificate", outside.check_certificate(settings, SystemClock().now())))
    return found


async def _examine_database(report: Report, settings: Settings, *, probe: bool) -> None:
    obstacle = keeping.check_files(settings)
    if obstacle is not None:
        report.findings.append(obstacle)
        return
    try:
        # Redis and the mail server have checks of their own, and must not keep the others from being made.
        services = build_services(
            settings.model_copy(update={"rate_limit_storage": "database"}), mailer=ConsoleMailer()
        )
    except SettingsError:
        report.findings.append(fail("keys", "the generated key is damaged", keeping.GIVE_KEY_BACK))
        return
    try:
        reachable = await keeping.check_reachable(services.database)
        report.findings.append(reachable)
        if reachable.state is not State.FAIL:
            report.database = await services.database.version()
            report.findings += await _in_the_database(services)
            if probe:
                probed = outside.check_forwarding(settings, services.database, services.clock.now())
                report.findings.append(await _guarded("forwarding", probed))
    finally:
        await services.close()


async def _in_the_database(services: Services) -> list[Finding]:
    database = services.database
    schema = await _guarded("schema", keeping.check_schema(database))
    clock = await _guarded("clock", timing.check_clock(database, SystemClock()))
    if schema.state is State.FAIL:
        return [schema, clock]
    if isinstance(services.clock, DatabaseClock):
        services.clock.set(await database.now())

    async def role() -> Finding:
        return keeping.judge_rights(await rights_of(database))

    async def keys() -> Finding:
        fallbacks = len(services.settings.secret_key_fallbacks)
        return keeping.judge_keys(await services.totp.count_by_key(), fallbacks=fallbacks)

    async def bypasses() -> Finding:
        return keeping.judge_bypasses(await services.bypasses.list_not_over(), services.clock.now())

    async def addresses() -> Finding:
        return configuration.judge_addresses(await services.sessions.lone_address(), services.settings)

    async def phones() -> Finding:
        return timing.judge_phones(await services.accounts.count_clock_offsets())

    return [
        schema,
        *([await _guarded("role", role())] if has_roles(database) else []),
        await _guarded("keys", keys()),
        clock,
        await _guarded("phones", phones()),
        *([] if services.settings.is_local else [await _guarded("addresses", addresses())]),
        await _guarded("mfa bypass", bypasses()),
        await _guarded("outbox", mailing.check_outbox(services.outbox)),
    ]


async def _mail(settings: Settings, send_test: str | None) -> list[Finding]:
    mailer = mailing.open_mailer(settings)
    if isinstance(mailer, Finding):
        return [mailer]
    found = [await _guarded("mail", mailing.check_mail(mailer, settings))]
    if send_test is not None:
        letter = mailing.check_letter(mailer, settings, send_test, SystemClock().now())
        found.append(await _guarded("test letter", letter))
    # A connection that was cut is gone only once the loop has turned; the command's loop ends soon.
    await asyncio.sleep(LAST_WORDS_SECONDS)
    return found


async def _guarded(name: str, check: Awaitable[Finding]) -> Finding:
    try:
        return await check
    except (SQLAlchemyError, OSError) as fault:
        return fail(name, f"no answer ({type(fault).__name__})", "run focys doctor again; see the database's log")
    except Exception as fault:  # noqa: BLE001  the other checks are still worth making
        return fail(name, f"cannot be looked at ({type(fault).__name__})", "report it, with focys doctor --support")


def _unusable(problem: str) -> Finding:
    return fail("settings", problem, "correct it in the environment or in backend/.env")
