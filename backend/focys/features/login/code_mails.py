"""Decides which code a new login takes, and whether to email it.

Anyone who knows the password of an account without a factor can cause emails to its owner, so they are limited: a few
codes per network and ten a day, each for its own login only. Beyond that, one email is sent per lifetime of a code, and
logins share that code, even after it has worked in one of them. So the owner, who reads the mailbox, can always sign
in, and is not flooded.
"""

from dataclasses import dataclass, replace

from focys.domain.login import Step
from focys.domain.outcome import Reason, Refused
from focys.features.login.attempt import LoginRequest
from focys.features.login.snapshots import LOGIN_LIFE, Account, PendingLogin
from focys.features.rate_limits import CODES_SHARED
from focys.infra.db.database import Change


@dataclass(frozen=True, slots=True)
class CodeLogin:
    """A login that waits for an emailed code, and the email to send; None if it shares a code emailed before."""

    login: PendingLogin
    mail: Change | None


async def code_login(request: LoginRequest, account: Account, *, is_long: bool) -> CodeLogin | Refused:
    """Return the login that a right password starts, or a refusal (for minutes at most) if no email may be sent now."""
    user_id, network = str(account.user_id), request.visit.caller.network
    limits, most = request.deps.account_limits, request.deps.policy.limits
    over_limit = await limits.hit(most.codes_per_network, user_id, network)
    over_limit = over_limit or await limits.hit(most.codes_a_day, user_id)
    if not over_limit:
        return _own(request, account, is_long=is_long)
    shared = await _shared(request, account, is_long=is_long)
    if shared is not None:
        return shared
    # Short and long codes have separate limits: if six digits are no longer accepted, the last email is useless.
    wait = await limits.hit(CODES_SHARED, user_id, "long" if is_long else "short")
    if wait is None:
        return _own(request, account, is_long=is_long)
    # A concurrent login has just sent it.
    return await _shared(request, account, is_long=is_long) or Refused(Reason.THROTTLED, retry_after=wait)


def _own(request: LoginRequest, account: Account, *, is_long: bool) -> CodeLogin:
    now, codes = request.visit.now, request.deps.email_codes
    login = _new_login(request)
    login = replace(
        login,
        code_issue=1,
        code_long=is_long,
        code_sent_at=now,
        code_expires_at=min(now + codes.life, login.expires_at),
    )
    return CodeLogin(login, codes.mailed(account.user_id, login.code, request.visit.caller.network, now))


async def _shared(request: LoginRequest, account: Account, *, is_long: bool) -> CodeLogin | None:
    """Return a login that takes the last emailed code, if it still works."""
    mailed = await request.repository.find_mailed(account.user_id, request.visit.now)
    if mailed is None or (is_long and not mailed.code_long):
        return None
    login = replace(
        _new_login(request),
        code_issue=mailed.code_issue,
        code_long=mailed.code_long,
        code_sent_at=mailed.code_sent_at,
        code_expires_at=mailed.code_expires_at,
        code_source=mailed.login_id,
    )
    return CodeLogin(login, None)


def _new_login(request: LoginRequest) -> PendingLogin:
    now = request.visit.now
    return PendingLogin.new(Step.EMAIL_CODE, now, now + max(LOGIN_LIFE, request.deps.email_codes.life))
