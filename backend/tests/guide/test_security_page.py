"""The page for reviewers says what the code does: each number, event and secret of it."""

import re
from datetime import timedelta

import pytest
from limits import RateLimitItem

from focys.domain import email_codes, lockout, networks, totp
from focys.features import rate_limits as limits
from focys.features.accounts.tickets import TICKET_LIFE
from focys.features.backup_codes.service import SET_SIZE
from focys.features.browsers.service import COOKIE_LIFE
from focys.features.login.snapshots import LOGIN_LIFE, RESEND_PAUSE
from focys.features.sessions.repository import MAX_SESSIONS
from focys.features.sessions.service import ADMIN_IDLE, ADMIN_LIFE, FRESH, GRACE, IDLE
from focys.features.throttling.service import CLOSED_AFTER, CLOSED_MEMORY
from focys.features.totp import ENROLLMENT_LIFE
from focys.infra.crypto.keys import Purpose
from focys.infra.web.origins import PAGE_HEADER, PAGE_HEADER_VALUE
from focys.services import FEATURES
from focys.settings import SECRETS, Settings
from tests.conftest import settings_for
from tests.deploy.shipped import ROOT, SITE

PAGE = (ROOT / "docs" / "SECURITY.md").read_text()
SOURCES = sorted((ROOT / "backend" / "focys").rglob("*.py"))
DEFAULTS: Settings = settings_for("")


def _minutes(life: timedelta) -> int:
    return life // timedelta(minutes=1)


def _hours(life: timedelta) -> int:
    return life // timedelta(hours=1)


def _both(limit: networks.NetworkLimit, prefix: str) -> str:
    """Both limits of a network, with the names of their settings."""
    minutes = _minutes(networks.FAILURES_WINDOW)
    assert _minutes(networks.ACCOUNTS_WINDOW) == 60
    return (
        f"{limit.failures} wrong in {minutes} minutes (`{prefix}NETWORK_PASSWORD_FAILURES`); "
        f"{limit.accounts:,} different accounts an hour (`{prefix}NETWORK_ACCOUNTS`)"
    )


def _spraying(network: str, limit: networks.NetworkLimit) -> str:
    """The table row of a spraying attacker's daily limits."""
    a_day = timedelta(days=1)
    accounts = a_day // networks.ACCOUNTS_WINDOW * limit.accounts
    passwords = a_day // networks.FAILURES_WINDOW * limit.failures
    return f"| {network} | {accounts:,} | {passwords:,} |"


USUAL, OWN = DEFAULTS.network_limits.usual, DEFAULTS.network_limits.own
(FIRST, SHORT), (SECOND, LONG) = lockout.LOCKS.items()
SENTENCES = [
    f"| {FIRST} wrong | single codes locked for {_minutes(SHORT)} minutes |",
    f"| {SECOND} wrong | single codes locked for {_minutes(LONG)} minutes |",
    f"| {lockout.GUARDED_AFTER} wrong in {lockout.MEMORY.days} days | guarded",
    (
        f"No lock of the second factor is longer than {_minutes(max(lockout.LOCKS.values()))} minutes "
        f"({_minutes(2 * max(lockout.LOCKS.values()))}, if"
    ),
    (
        f"{lockout.STRONG_TRIES} an hour for a bucket (all unknown browsers together, or one known browser), "
        f"{lockout.STRONG_TRIES_PER_NETWORK} an hour of these from one network"
    ),
    (
        f"| {lockout.MAX_FAILURES} wrong second factors in a bucket since the last change of password, "
        f"at most {lockout.MEMORY.days} days ago | switched off"
    ),
    f"| a backup code, meanwhile | {lockout.STRONG_TRIES_PER_NETWORK} an hour from a network |",
    f"| {email_codes.TRIES} wrong | that code is dead; after {email_codes.LONG_AFTER} wrong ones it has 16 characters",
    f"{limits.CODES_PER_NETWORK.amount} in {limits.CODES_PER_NETWORK.multiples} minutes for an account from one network",
    f"{limits.CODES_A_DAY.amount} a day for an account (`EMAILED_CODES_A_DAY`) | one in {limits.CODES_SHARED.multiples}",
    f"{RESEND_PAUSE.seconds} seconds apart; {limits.CODES_RESENT.amount} in {limits.CODES_RESENT.multiples} minutes",
    f"{limits.CODES_RESENT_A_DAY.amount} a day for an account |",
    f"| {limits.LOGINS_STARTED.amount} in {limits.LOGINS_STARTED.multiples} minutes for an account from one network",
    f"| {limits.UNFINISHED_LOGINS.amount} unfinished in an hour, at the second factor of an enrolled account | an email to the owner",
    f"| the first code of a new authenticator | {email_codes.TRIES} wrong in one login |",
    f"| new TOTP secrets | {limits.ENROLLMENTS.amount} an hour in one login |",
    (
        f"| a new password that is judged while it is typed | {limits.PASSWORDS_JUDGED.amount} "
        f"in {limits.PASSWORDS_JUDGED.multiples} minutes for a session | wait |"
    ),
    f"| step-ups and checks of a backup code | {limits.STEP_UPS.amount} an hour for a session;",
    f"| enrollments tried at another step | {limits.OUT_OF_TURN.amount} an hour of one login",
    f"| a used backup code | {limits.USED_CODES.amount} an hour for an account | further ones count as wrong codes |",
    f"(a backup code: {limits.USED_CODES.amount} times an hour)",
    f"| new backup codes | {limits.CODES_REPLACED.amount} an hour for an account | wait |",
    f"| {lockout.FREE_PASSWORDS} wrong | each further one waits twice as long, from {lockout.PASSWORD_DELAY.seconds} seconds",
    f"to {_minutes(lockout.PASSWORD_DELAY_MAX)} minutes; forgotten after {_hours(lockout.PASSWORD_MEMORY)} hours |",
    (
        f"| {CLOSED_AFTER} wrong, each less than a day after the one before; a right password resets the count only "
        f"in a known browser | closed for {CLOSED_MEMORY.days} days"
    ),
    f"| passwords from one network | {_both(USUAL, '')} | wait |",
    f"| passwords from a network of `OWN_NETWORKS` | {_both(OWN, 'OWN_')} | wait |",
    _spraying("a network", USUAL),
    _spraying("a network of `OWN_NETWORKS`", OWN),
    f"| rotations of a session's refresh token | {limits.REFRESHES.amount} an hour;",
    f"a page that reloads all the time causes {timedelta(hours=1) // FRESH} |",
    f"| a refresh token | kept for {FRESH.seconds} seconds",
    f"`{PAGE_HEADER}: {PAGE_HEADER_VALUE}`",
    f"| sessions | {MAX_SESSIONS} of an account |",
    (
        f"| {_minutes(LOGIN_LIFE)} minutes, or `OTP_EXPIRE_MINUTES` if that is longer and a code is emailed; "
        f"once the emailed code is confirmed, a new one of {_minutes(ENROLLMENT_LIFE)} minutes"
    ),
    f"`OTP_EXPIRE_MINUTES`, {DEFAULTS.otp_expire_minutes} minutes",
    f"| a ticket | {_hours(TICKET_LIFE)} hours, until",
    f"| a ticket | the same {email_codes.TRIES} tries as the emailed code",
    f"its {totp.PERIOD} seconds and one step before and after",
    f"`ACCESS_TOKEN_EXPIRE_MINUTES`, {DEFAULTS.access_token_expire_minutes} minutes",
    f"`REFRESH_TOKEN_EXPIRE_DAYS`, {DEFAULTS.refresh_token_expire_days} days; {_hours(IDLE)} hours unused",
    f"{_hours(ADMIN_LIFE)} hours; {_minutes(ADMIN_IDLE)} minutes unused",
    f"| a replaced refresh token | {GRACE.seconds} seconds",
    f"| a known browser | {COOKIE_LIFE.days} days",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_limit_and_lifetime_is_documented_correctly(sentence: str):
    assert sentence in PAGE


def test_every_limit_is_documented():
    """CFG-10: a new one has to be added above, and to the page."""
    known = {name for name, item in vars(limits).items() if name.isupper() and isinstance(item, RateLimitItem)}

    assert known == {
        *("CODES_PER_NETWORK", "CODES_A_DAY", "CODES_SHARED", "CODES_RESENT", "CODES_RESENT_A_DAY"),
        *("LOGINS_STARTED", "UNFINISHED_LOGINS", "ENROLLMENTS", "CODES_REPLACED", "USED_CODES"),
        *("OUT_OF_TURN", "PASSWORDS_JUDGED", "REFRESHES", "STEP_UPS"),
    }
    assert (SET_SIZE, totp.DRIFT_STEPS) == (10, 1)


def test_the_limits_of_nginx_are_documented():
    site = SITE.read_text()
    (rate,), (burst,) = re.findall(r"rate=(\d+)r/s", site), re.findall(r"burst=(\d+)", site)
    (connections,) = re.findall(r"limit_conn focys_open (\d+);", site)

    assert f"{rate} a second with {burst} at once, {connections} connections; at nginx" in PAGE


def test_every_secret_and_derived_key_is_documented():
    told = set(re.findall(r"`([\w-]+)`", PAGE.split("## Secrets")[1].split("## Logs")[0]))

    assert {name.upper() for name in SECRETS} <= told
    assert {purpose.rpartition("/")[2] for purpose in Purpose} <= told


def test_every_logged_event_is_documented():
    """CFG-10: what the page lists, and what the code can say."""
    listed = {
        kind: set(re.findall(r"`([\w -]+)`", words))
        for kind, words in re.findall(r"- \*\*(\w+)[^*]*\*\*(.*?)(?=\n- |\Z)", PAGE, flags=re.DOTALL)
    }

    assert listed["Events"] == {event for feature in FEATURES for event in feature.events}
    assert listed["Alarms"] == {alarm for feature in FEATURES for alarm in feature.alarms}
    assert listed["Operation"] == _said_in_operation()


def _said_in_operation() -> set[str]:
    """Every first word of a log call; those of the audit are composed, and are the events."""
    call = re.compile(r"_log\.(?:debug|info|warning|error|exception|critical)\(\s*\"(\w+)\"")
    return {word for source in SOURCES for word in call.findall(source.read_text())}
