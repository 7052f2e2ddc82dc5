"""Builds and connects all services: settings -> database -> repositories -> services. No logic belongs here."""

from dataclasses import dataclass
from functools import partial

from focys.features import accounts as accounts_feature
from focys.features import (
    admin,
    bypass,
    email_code,
    lockout,
    own_account,
    password_change,
    rate_limits,
    throttling,
)
from focys.features import backup_codes as backup_codes_feature
from focys.features import login as login_feature
from focys.features import outbox as outbox_feature
from focys.features import sessions as sessions_feature
from focys.features import totp as totp_feature
from focys.features.accounts import Accounts, ForeignRows, users
from focys.features.admin import Administration, Directory, Importer, People
from focys.features.backup_codes import BackupCodeFactor, BackupCodes, UnsavedCodes, left_for, unsaved_for
from focys.features.bypass import Bypasses
from focys.features.email_code import EmailCodes
from focys.features.factors import AnyFactor
from focys.features.feature import Feature
from focys.features.housekeeping import Housekeeping
from focys.features.login import Dependencies, LoginFlow, LoginPolicy
from focys.features.outbox import Outbox
from focys.features.own_account import OwnAccount
from focys.features.password_change import PasswordChange
from focys.features.passwords import Passwords
from focys.features.rate_limits import REFRESHES, LoginLimits, RateLimiter, account_limits
from focys.features.sessions import RotationLimit, SessionPolicy, SessionRepository, Sessions
from focys.features.throttling import Networks, PasswordThrottle, network_counters
from focys.features.totp import Codes, TotpEnrollment, TotpFactor, TotpSecrets
from focys.infra.crypto.hashing import Hasher
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.crypto.tokens import Tokens
from focys.infra.db.database import Database
from focys.infra.mail.kinds import MailKind
from focys.infra.mail.mailer import Mailer, mailer_for, sender_of
from focys.infra.ops.clock import Clock, DatabaseClock, SystemClock
from focys.infra.web.health import Readiness
from focys.settings import Settings

FEATURES = (
    accounts_feature.FEATURE,
    login_feature.FEATURE,
    totp_feature.FEATURE,
    email_code.FEATURE,
    backup_codes_feature.FEATURE,
    sessions_feature.FEATURE,
    lockout.FEATURE,
    throttling.FEATURE,
    rate_limits.FEATURE,
    bypass.FEATURE,
    own_account.FEATURE,
    admin.FEATURE,
    outbox_feature.FEATURE,
    password_change.FEATURE,
)
"""Every feature that declares something; add new features here."""

EVENTS = {event.value: event for feature in FEATURES for event in feature.events}
"""The audit events of all features, by name."""


@dataclass(frozen=True, slots=True)
class Services:
    """All services; the HTTP app and the command line share them."""

    features: tuple[Feature, ...]
    settings: Settings
    database: Database
    clock: Clock
    hasher: Hasher
    accounts: Accounts
    foreign_rows: ForeignRows
    administration: Administration
    people: People
    importer: Importer
    directory: Directory
    own_account: OwnAccount
    passwords: Passwords
    sessions: Sessions
    totp: TotpSecrets
    outbox: Outbox
    login: LoginFlow
    password_change: PasswordChange
    unsaved_codes: UnsavedCodes
    bypasses: Bypasses
    networks: Networks
    housekeeping: Housekeeping
    readiness: Readiness

    async def close(self) -> None:
        """Release threads and connections."""
        self.hasher.close()
        await self.networks.close()
        await self.database.close()


def second_factors(codes: Codes, backup_codes: BackupCodeFactor) -> tuple[AnyFactor, ...]:
    """Return every kind of second factor, in the order they are offered; add new kinds here."""
    return TotpFactor(codes), backup_codes


def build_services(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> Services:
    """Build all services. Tests pass their own clock and mailer."""
    database = Database(settings.database, pool_size=settings.database_pool_size)
    clock = clock or (SystemClock() if settings.is_embedded else DatabaseClock())
    keys = KeyRing(settings.keys)
    hasher = _hasher(settings)
    email_codes = EmailCodes(keys, life=settings.email_code_life)
    outbox = _outbox(settings, database, clock, mailer or mailer_for(settings), email_codes)
    passwords = _passwords(settings, hasher)
    by_account = account_limits(database, clock)
    by_network = network_counters(settings.rate_limit_storage, database, clock)
    sessions = _sessions(settings, database, clock, keys, by_account)
    accounts, backup_codes = Accounts(database, clock), BackupCodes(database, hasher)
    foreign_rows = ForeignRows(database)
    totp, codes = _totp(settings, database, SecretBox(keys))
    backup_code_factor = BackupCodeFactor(backup_codes, by_account)
    login = LoginFlow(
        Dependencies(
            database=database,
            clock=clock,
            keys=keys,
            passwords=passwords,
            foreign_rows=foreign_rows,
            throttle=PasswordThrottle(database, by_network, settings.network_limits),
            account_limits=by_account,
            email_codes=email_codes,
            factors=second_factors(codes, backup_code_factor),
            companions=(backup_code_factor,),
            enroller=TotpEnrollment(database, codes, app_name=settings.app_name),
            sessions=sessions,
            outbox=outbox,
            policy=_login_policy(settings),
        )
    )
    return Services(
        FEATURES,
        settings,
        database,
        clock,
        hasher,
        accounts,
        foreign_rows,
        Administration(database, clock, accounts, passwords, totp, keys),
        People(database, clock, accounts, keys),
        Importer(accounts, passwords, threads=settings.password_hash_threads),
        Directory(database, clock, accounts, sessions, keys),
        OwnAccount(database, clock, sessions, EVENTS),
        passwords,
        sessions,
        totp,
        outbox,
        login,
        PasswordChange(database, clock, keys, login, passwords, sessions, by_account),
        UnsavedCodes(database, clock, backup_codes, by_account),
        Bypasses(database, clock, accounts),
        Networks(database, clock, by_network, settings.network_limits),
        Housekeeping(database, clock, [deletion for feature in FEATURES for deletion in feature.retention]),
        Readiness(database, clock, totp.can_open_secrets),
    )


def _outbox(settings: Settings, database: Database, clock: Clock, mailer: Mailer, codes: MailKind) -> Outbox:
    kinds = [codes, *(kind for feature in FEATURES for kind in feature.emails)]
    return Outbox(database, clock, mailer, kinds, app_name=settings.app_name, support=settings.support_contact)


def _totp(settings: Settings, database: Database, box: SecretBox) -> tuple[TotpSecrets, Codes]:
    return TotpSecrets(database, box, drift=settings.totp_window), Codes(box, drift=settings.totp_window)


def _is_mfa_required(settings: Settings) -> bool:
    return settings.mfa_policy == "required"


def _hasher(settings: Settings) -> Hasher:
    return Hasher(
        memory_kib=settings.password_hash_memory_kib,
        passes=settings.password_hash_passes,
        threads=settings.password_hash_threads,
        queue=settings.password_hash_queue,
    )


def _passwords(settings: Settings, hasher: Hasher) -> Passwords:
    return Passwords(
        hasher,
        mfa_required=_is_mfa_required(settings),
        app_name=settings.app_name,
        breach_url=settings.breached_passwords_url,
    )


def _sessions(settings: Settings, database: Database, clock: Clock, keys: KeyRing, limits: RateLimiter) -> Sessions:
    tokens = Tokens(keys, issuer=settings.public_url, access_life=settings.access_token_life)
    rotation_limit = RotationLimit(
        charge=partial(limits.hit, REFRESHES),
        give_back=lambda session, now: limits.give_back(REFRESHES, session, now=now),
    )
    policy = SessionPolicy(settings.session_life, _is_mfa_required(settings), rotation_limit)
    held = left_for(users.c.id).label("backup_codes_left"), unsaved_for(users.c.id).label("backup_codes_unsaved")
    return Sessions(database, clock, tokens, SessionRepository(database, held), policy)


def _login_policy(settings: Settings) -> LoginPolicy:
    return LoginPolicy(
        app_name=settings.app_name,
        mail_sender=sender_of(settings) if settings.smtp_host else None,
        mfa_required=_is_mfa_required(settings),
        limits=LoginLimits.of(
            started=settings.logins_per_network,
            codes_per_network=settings.emailed_codes_per_network,
            codes_a_day=settings.emailed_codes_a_day,
        ),
    )
