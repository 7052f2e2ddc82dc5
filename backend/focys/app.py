"""The composition root: settings -> engine -> stores -> services -> routers. Nothing here decides anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route

from focys import __version__
from focys.features.accounts import Accounts, users
from focys.features.admin import RESET, Administration, compose_reset
from focys.features.backup_codes import (
    RENEWED,
    USED,
    BackupCodeFactor,
    BackupCodes,
    compose_renewed,
    compose_used,
    left_for,
)
from focys.features.bypass import Bypasses
from focys.features.bypass import composers as bypass_letters
from focys.features.email_code import KIND, EmailCodes
from focys.features.factors import AnyFactor
from focys.features.housekeeping import Housekeeping
from focys.features.lockout import (
    REFRESHES,
    LoginLimits,
    Networks,
    PasswordLedger,
    account_limits,
    composers,
    network_counters,
)
from focys.features.login import Dependencies, LoginFlow
from focys.features.login import build_router as build_login_router
from focys.features.login import composers as login_letters
from focys.features.outbox import Composer, Outbox
from focys.features.passwords import Passwords
from focys.features.sessions import RotationLimit, SessionRepository, Sessions, SessionsApi
from focys.features.sessions import routes as session_routes
from focys.features.totp import Codes, TotpEnrolment, TotpFactor, TotpSecrets
from focys.features.watching import AddressWatch, SprayWatch, Watch
from focys.infra.crypto.hashing import Hasher
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.crypto.tokens import Tokens
from focys.infra.db.database import Database
from focys.infra.db.schema import current_revision, why_unusable
from focys.infra.mail.mailer import Mailer, mailer_for, sender_of
from focys.infra.ops import logs, metrics
from focys.infra.ops.clock import Clock, DatabaseClock, SystemClock
from focys.infra.ops.periodic import Periodic
from focys.infra.web import health, replies
from focys.infra.web.http import Cookies, Edge, PlainStart, Visitors
from focys.infra.web.origins import PAGE_HEADER, Origins
from focys.infra.web.pages import Pages
from focys.settings import PAGES, Settings, SettingsError, load_settings

CLOCK_READING_SECONDS = 10
LAST_ROUND_SECONDS = 3
_TURNS = {path: turn for turn, path in enumerate(("/auth/me", "/auth/totp/verify", "/auth/login", "/auth/refresh"))}

_log = logs.logger("focys.app")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that acts, wired once; the HTTP service and the command line share it."""

    settings: Settings
    database: Database
    clock: Clock
    hasher: Hasher
    accounts: Accounts
    administration: Administration
    passwords: Passwords
    sessions: Sessions
    totp: TotpSecrets
    outbox: Outbox
    login: LoginFlow
    bypasses: Bypasses
    networks: Networks

    async def close(self) -> None:
        """Give back what was opened."""
        self.hasher.close()
        await self.networks.close()
        await self.database.close()


def second_factors(codes: Codes, backup_codes: BackupCodeFactor) -> tuple[AnyFactor, ...]:
    """Return every kind of second factor, in the order offered; add new kinds here."""
    return TotpFactor(codes), backup_codes


def build_services(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> Services:
    """Wire everything. Tests hand in a clock of their own, and a mailer to read."""
    mfa_required = settings.mfa_policy == "required"
    database = Database(settings.database, pool_size=settings.database_pool_size)
    clock = clock or (SystemClock() if settings.is_embedded else DatabaseClock())
    keys = KeyRing(settings.keys)
    hasher = Hasher(
        memory_kib=settings.password_hash_memory_kib,
        passes=settings.password_hash_passes,
        threads=settings.password_hash_threads,
        queue=settings.password_hash_queue,
    )
    email_codes = EmailCodes(keys, app_name=settings.app_name, life=settings.email_code_life)
    letters: dict[str, Composer] = {
        KIND: email_codes.compose,
        USED: partial(compose_used, settings.app_name),
        RENEWED: partial(compose_renewed, settings.app_name),
        RESET: partial(compose_reset, settings.app_name),
        **composers(settings.app_name),
        **bypass_letters(settings.app_name),
        **login_letters(settings.app_name),
    }
    outbox = Outbox(database, clock, mailer or mailer_for(settings), letters)
    passwords = Passwords(
        hasher,
        mfa_required=mfa_required,
        app_name=settings.app_name,
        breach_url=settings.breached_passwords_url,
    )
    by_account = account_limits(database, clock)
    sessions = Sessions(
        database,
        clock,
        Tokens(keys, issuer=settings.public_url, access_life=settings.access_token_life),
        life=settings.session_life,
        mfa_required=mfa_required,
        repository=SessionRepository(database, left_for(users.c.id)),
        rotation_limit=RotationLimit(
            charge=partial(by_account.charge, REFRESHES),
            give_back=lambda session, now: by_account.give_back(REFRESHES, session, now=now),
        ),
    )
    accounts = Accounts(database, clock)
    box = SecretBox(keys)
    totp = TotpSecrets(database, box, drift=settings.totp_window)
    codes = Codes(box, drift=settings.totp_window)
    backup_codes = BackupCodeFactor(BackupCodes(database, hasher))
    by_network = network_counters(settings.rate_limit_storage, database, clock)
    login = LoginFlow(
        Dependencies(
            database=database,
            clock=clock,
            keys=keys,
            passwords=passwords,
            ledger=PasswordLedger(database, by_network, settings.network_limits),
            account_limits=by_account,
            login_limits=LoginLimits.of(
                started=settings.logins_per_network,
                codes_per_network=settings.emailed_codes_per_network,
                codes_a_day=settings.emailed_codes_a_day,
            ),
            email_codes=email_codes,
            factors=second_factors(codes, backup_codes),
            companions=(backup_codes,),
            enroller=TotpEnrolment(database, codes, app_name=settings.app_name),
            sessions=sessions,
            outbox=outbox,
            app_name=settings.app_name,
            mail_sender=sender_of(settings) if settings.smtp_host else None,
            mfa_required=mfa_required,
        )
    )
    administration = Administration(database, clock, accounts, passwords, totp, keys)
    return Services(
        settings,
        database,
        clock,
        hasher,
        accounts,
        administration,
        passwords,
        sessions,
        totp,
        outbox,
        login,
        Bypasses(database, clock, accounts),
        Networks(database, clock, by_network, settings.network_limits),
    )


def create_app(
    settings: Settings | None = None, *, clock: Clock | None = None, mailer: Mailer | None = None
) -> FastAPI:
    """Return the API, ready to be served at the root of a host or under a prefix.

    Raises:
        SettingsError: the configuration cannot be used.
    """
    settings = settings or load_settings()
    logs.configure(log_file=settings.log_file)
    services = build_services(settings, clock=clock, mailer=mailer)
    app = FastAPI(
        title="FOCYS",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Behind a proxy a redirect would name an address without TLS and without the prefix.
        redirect_slashes=False,
        # Otherwise each request is instrumented for OpenTelemetry, including why a request could not be read.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lambda _app: _running(services),
    )
    app.state.services = services
    cookies = Cookies(secure=settings.is_secure)
    visitors = Visitors(settings, cookies)
    app.state.sessions_api = SessionsApi(services.sessions, visitors, cookies, Origins(settings), services.login.cancel)
    for router in (
        build_login_router(services.login, visitors, cookies),
        session_routes,
        health.build_router(health.Readiness(services.database, services.clock, services.totp.can_open_secrets)),
    ):
        # Flat: FastAPI goes twice through the routes of an included router at each request.
        app.router.routes.extend(router.routes)
    # Routes are tried in order until one matches.
    app.router.routes.sort(key=lambda route: _TURNS.get(getattr(route, "path", ""), len(_TURNS)))
    app.include_router(
        metrics.build_router(of_all_workers=settings.prometheus_multiproc_dir is not None), include_in_schema=False
    )
    replies.install(app)
    readable = partial(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", PAGE_HEADER],
        expose_headers=["Retry-After", "X-Request-ID"],
        max_age=600,
    )
    app.add_middleware(Edge, settings=settings, readable=readable)
    app.add_middleware(PlainStart)
    return app


def create_site(settings: Settings | None = None, *, clock: Clock | None = None) -> Starlette:
    """Return pages at ``/`` and API at ``/api``, in one process.

    Raises:
        SettingsError: the configuration cannot be used.
    """
    settings = settings or load_settings()
    api = create_app(settings, clock=clock)
    return Starlette(
        # A mount does not match its own bare name, which would else be a path of the page.
        routes=[Mount("/api", api), Route("/api", api), Mount("/", Edge(Pages(PAGES), settings))],
        lifespan=lambda _app: _running(api.state.services),
        middleware=[Middleware(PlainStart)],
    )


class StartError(Exception):
    """The service must not start; the message says why and what mends it."""


@asynccontextmanager
async def _running(services: Services) -> AsyncIterator[None]:
    """Keep the clock and the mail going while the app serves."""
    await _check_start(services)
    metrics.begin_serving(__version__)
    housekeeping = Housekeeping(services.database, services.clock)
    readiness = health.Readiness(services.database, services.clock, services.totp.can_open_secrets)
    watch = Watch(services.outbox, services.bypasses, readiness.failing)
    running: list[Outbox | Periodic] = [
        services.outbox,
        Periodic(watch.look, name="watch", seconds=15),
        Periodic(SprayWatch(services.networks).look, name="spray_watch", seconds=60),
        Periodic(housekeeping.forget, name="housekeeping", seconds=3600, first_after=3600),
    ]
    if not services.settings.is_local:
        address_watch = AddressWatch(services.sessions, services.settings.trusted_proxies)
        running.append(Periodic(address_watch.look, name="address_watch", seconds=3600, first_after=60))
    if isinstance(services.clock, DatabaseClock):
        follow = partial(_follow_database_clock, services.clock, services.database)
        # The start has read it a moment ago.
        running.append(Periodic(follow, name="clock", seconds=CLOCK_READING_SECONDS, first_after=CLOCK_READING_SECONDS))
    tasks = [asyncio.create_task(work.run()) for work in running]
    try:
        yield
    finally:
        for work in running:
            work.stop()
        await asyncio.wait(tasks, timeout=LAST_ROUND_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await services.close()


async def _follow_database_clock(clock: DatabaseClock, database: Database) -> None:
    clock.set(await _read_clock(database))


async def _read_clock(database: Database) -> datetime:
    """Return the database's time, and note how far this machine's clock is from it."""
    machine = SystemClock()
    before, now = machine.now(), await database.now()
    # As if the database had looked at its clock halfway between question and answer.
    metrics.CLOCK_OFFSET.set(((before - now) + (machine.now() - now)).total_seconds() / 2)
    return now


def why_not_start() -> list[str]:
    """Return what would keep the service from starting, a sentence each, without starting it."""
    # Whoever starts says what else is to be said.
    logs.configure(log_file=None, quiet=True)

    async def check(services: Services) -> None:
        try:
            await _check_start(services)
        finally:
            await services.close()

    try:
        asyncio.run(check(build_services(load_settings())))
    except (SettingsError, StartError) as refusal:
        return str(refusal).splitlines()
    return []


async def _check_start(services: Services) -> None:
    """Refuse to serve what cannot be served rightly; a database that is away is waited for, and readiness says so.

    Raises:
        StartError: the schema is another one, or no key at hand opens the stored secrets.
    """
    settings = services.settings
    if not settings.smtp_host and not settings.is_local:
        _log.warning(
            "codes_go_to_the_console", mend="set SMTP_HOST, or anyone who reads this output can read the codes"
        )
    try:
        now = await _read_clock(services.database)
    except (SQLAlchemyError, OSError) as fault:
        _log.error("database_unavailable", cause=type(fault).__name__)
        return
    if isinstance(services.clock, DatabaseClock):
        services.clock.set(now)
    obstacle = why_unusable(await current_revision(services.database))
    if obstacle is not None:
        raise StartError(obstacle)
    for found in await services.bypasses.list_in_force():
        until = found.ends_at.isoformat(timespec="seconds")
        _log.warning("mfa_bypass_in_force", whom=found.whom, until=until, mend="focys mfa bypass --end")
    if not await services.totp.can_open_secrets():
        raise StartError("SECRET_KEY opens none of the stored secrets: give back the old key, as SECRET_KEY_FALLBACKS")
