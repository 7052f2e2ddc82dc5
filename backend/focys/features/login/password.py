"""The first step: email and password. Unknown addresses, disabled accounts and wrong passwords look the same."""

from dataclasses import dataclass, replace

from focys.domain.attempt import BUSY, CHARGE_TRIES, WRITE_TRIES
from focys.domain.bypass import Bypass
from focys.domain.login import Proof, Step, advance, password_proof
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import AccountRepository, claim
from focys.features.audit import AuditEvent, Outcome
from focys.features.bypass import claim_under, usage_notice
from focys.features.login.attempt import CompletedLogin, Grant, LoginRequest
from focys.features.login.changes import begun, token_consumed, token_replaced
from focys.features.login.code_mails import code_login
from focys.features.login.events import Event, event_of
from focys.features.login.notices import unfinished_mails
from focys.features.login.snapshots import (
    LOGIN_LIFE,
    Account,
    Begun,
    PasswordSnapshot,
    PendingLogin,
    state_of_email_code,
    state_of_second_factor,
)
from focys.features.login.visit import ThrottleKeys
from focys.features.throttling import CLOSED_AFTER, Full, PasswordCharge, Try, passwords_notice_for
from focys.infra.crypto.hashing import BusyError
from focys.infra.crypto.tokens import new_token
from focys.infra.db.database import Change

_EVENT = event_of(Proof.PASSWORD_WITH_MFA)


@dataclass(frozen=True, slots=True)
class RightPassword:
    """A password was right: whose it is, and the changes that refund its charge."""

    facts: PasswordSnapshot
    account: Account
    refunds: list[Change]


async def start(request: LoginRequest, address: str, password: str) -> Begun | CompletedLogin | Refused:
    """Check email and password; wrong, unknown and disabled get the same response after the same work."""
    right = await check(request, address, password)
    if isinstance(right, Refused):
        return right
    request, refunds = request.later(), right.refunds
    outcome = await _accept_password(request, right.facts, right.account, refunds)
    keys = ThrottleKeys.of(request.deps.keys, address, request.visit.caller)
    for _ in range(WRITE_TRIES):
        if outcome is not BUSY:
            break
        # A concurrent sign-in was written first.
        again = await request.repository.find_at_start(address, keys, request.visit)
        if again.account is None or again.account.credential_epoch != right.account.credential_epoch:
            break
        outcome = await _accept_password(request, again, again.account, refunds)
    if isinstance(outcome, Refused):
        await request.deps.database.write(*refunds)
    return outcome


async def check(request: LoginRequest, address: str, password: str) -> RightPassword | Refused:
    """Charge and compare a password, and charge a wrong one for good."""
    keys, throttle = ThrottleKeys.of(request.deps.keys, address, request.visit.caller), request.deps.throttle
    charged = await _charge(request, address, keys)
    if isinstance(charged, Refused):
        return request.refuse(_EVENT, None, charged)
    facts, charge = charged
    try:
        is_right = await request.deps.passwords.verify(facts.password_hash, password)
    except BusyError:
        await throttle.undo(charge)
        raise
    request = request.later()
    if facts.account is None or not is_right or facts.account.disabled_at is not None:
        account_id = facts.account.user_id if facts.account is not None else None
        request.deps.foreign_rows.warn(address, account_id, facts.password_hash)
        return await _refuse_password(request, facts, charge)
    refunds = await throttle.forgive(charge)
    await _upgrade_hash(request, facts, password)
    return RightPassword(facts, facts.account, refunds)


async def _charge(
    request: LoginRequest, address: str, keys: ThrottleKeys
) -> tuple[PasswordSnapshot, PasswordCharge] | Refused:
    """Count the try before the password is compared, so parallel tries cannot exceed the limit."""
    throttle, visit = request.deps.throttle, request.visit
    for _ in range(CHARGE_TRIES):
        facts = await request.repository.find_at_start(address, keys, visit)
        known_hash = facts.account.known_hash if facts.account is not None and facts.browser_id is not None else None
        limit = throttle.evaluate(keys.of_browser(known_hash), facts.throttle, visit.now)
        if limit.retry_after is not None:
            return Refused(Reason.THROTTLED, retry_after=limit.retry_after)
        tried = None if known_hash is not None else Try(visit.caller.network, keys.account, visit.now)
        charge = await throttle.charge(limit, tried, visit.now)
        if isinstance(charge, Full):
            return Refused(Reason.THROTTLED, retry_after=charge.retry_after)
        if charge is not None:
            return facts, charge
    return BUSY


async def _refuse_password(request: LoginRequest, facts: PasswordSnapshot, charge: PasswordCharge) -> Refused:
    deps, account = request.deps, facts.account
    await deps.throttle.keep(charge)
    user_id = account.user_id if account is not None else None
    detail = f"closed after {CLOSED_AFTER} wrong passwords" if charge.closes else None
    owner = user_id if account is not None and account.disabled_at is None else None
    emails = await passwords_notice_for(deps.outbox, owner, charge, request.visit.caller, request.visit.now)
    event = AuditEvent(_EVENT, Outcome.REFUSED, user_id, Reason.INVALID_CREDENTIALS, detail)
    await request.commit(event, *emails)
    return Refused(Reason.INVALID_CREDENTIALS)


async def _upgrade_hash(request: LoginRequest, facts: PasswordSnapshot, password: str) -> None:
    """Store a hash with current parameters, in a separate write: the next write may change the same row."""
    if facts.account is None or facts.password_hash is None:
        return
    upgraded = await request.deps.passwords.upgraded(facts.password_hash, password)
    if upgraded is not None:
        change = AccountRepository.hash_upgraded(facts.account.user_id, facts.password_hash, upgraded)
        await request.deps.database.write(change)


async def _accept_password(
    request: LoginRequest, facts: PasswordSnapshot, account: Account, refunds: list[Change]
) -> Begun | CompletedLogin | Refused:
    """Continue with the step after a right password."""
    bypass = facts.bypass_for(account, request.visit.now)
    # After a reset with a ticket, the password alone is not enough even where no second factor is required.
    mfa_required = request.deps.policy.mfa_required or account.ticket is not None
    proof = password_proof(mfa_enabled=account.mfa_enabled, mfa_required=mfa_required, is_bypassed=bypass is not None)
    step = advance(Step.PASSWORD, proof)
    if step is Step.DONE:
        return await _sign_in(request, facts, account, bypass, refunds) or BUSY
    if facts.browser_id is None:
        limits, network = request.deps.account_limits, request.visit.caller.network
        wait = await limits.hit(request.deps.policy.limits.started, str(account.user_id), network)
        if wait is not None:
            return request.refuse(_EVENT, account.user_id, Refused(Reason.THROTTLED, retry_after=wait))
    if step is Step.EMAIL_CODE:
        return await _begin_email_code(request, facts, account, refunds)
    emails = await unfinished_mails(request.deps.account_limits, request.deps.outbox, account, request.visit)
    return await _begin_second_factor(request, facts, account, [*refunds, *emails])


async def _begin_second_factor(
    request: LoginRequest, facts: PasswordSnapshot, account: Account, changes: list[Change]
) -> Begun:
    caller, now, token = request.visit.caller, request.visit.now, new_token()
    login = PendingLogin.new(Step.SECOND_FACTOR, now, now + LOGIN_LIFE)
    earlier = [token_consumed(caller.login, now)] if caller.login is not None else []
    event = AuditEvent(_EVENT, Outcome.OK, account.user_id)
    await request.commit(event, *changes, *earlier, begun(login, token, account.user_id, account.credential_epoch))
    lock, factors = facts.lock_state(now), request.offered(facts.held)
    return Begun(token, state_of_second_factor(login, account.email, factors, lock, now))


async def _begin_email_code(
    request: LoginRequest, facts: PasswordSnapshot, account: Account, changes: list[Change]
) -> Begun | Refused:
    """Start the email code step; a browser that is already at this step continues it, under a new token."""
    caller, now, token = request.visit.caller, request.visit.now, new_token()
    event = AuditEvent(_EVENT, Outcome.OK, account.user_id)
    sender = request.deps.policy.mail_sender
    if facts.earlier is not None and facts.waits_for_code(now):
        await request.commit(event, *changes, token_replaced(facts.earlier.login_id, token))
        return Begun(token, state_of_email_code(facts.earlier, account, sender, now))
    started = await code_login(request, account, is_long=facts.needs_long_code(now))
    if isinstance(started, Refused):
        return started
    earlier = [token_consumed(caller.login, now)] if caller.login is not None else []
    mail = [] if started.mail is None else [started.mail]
    new = begun(started.login, token, account.user_id, account.credential_epoch)
    await request.commit(event, *changes, *earlier, new, *mail)
    return Begun(token, state_of_email_code(started.login, account, sender, now))


async def _sign_in(
    request: LoginRequest, facts: PasswordSnapshot, account: Account, bypass: Bypass | None, changes: list[Change]
) -> CompletedLogin | None:
    """Sign in with just the password: no factor is required, or it is bypassed."""
    visit, deps = request.visit, request.deps
    profile = request.profile(facts.held) if account.mfa_enabled else {}
    grant = Grant(account, ("pwd",), account.credential_epoch, bypass=bypass, profile=profile)
    completed, effects = request.open_session(replace(grant, mfa_enabled=account.mfa_enabled))
    if visit.caller.login is not None:
        effects.append(token_consumed(visit.caller.login, visit.now))
    event, guard = AuditEvent(_EVENT, Outcome.OK, account.user_id), claim(account.user_id, account.attempt_seq)
    if bypass is not None:
        event = AuditEvent(Event.MFA_BYPASSED, Outcome.OK, account.user_id, detail=f"bypass {bypass.id}")
        guard = claim_under(account.user_id, account.attempt_seq, bypass.id, visit.now)
        effects += await usage_notice(deps.outbox, account.user_id, bypass, visit.caller, visit.now)
    return completed if await request.commit(event, *changes, *effects, guard=guard) else None
