"""``focys users show``."""

from focys.cli.operator import run
from focys.cli.tables import AsJson, minute, print_json, print_values
from focys.cli.users.arguments import Email
from focys.cli.users.words import record_of, words_for
from focys.features.admin import Details


def show(email: Email, as_json: AsJson = False) -> None:
    """Show the state of an account: locks, second step, sessions, last sign-in and known browsers.

    For what happened to it: focys audit list EMAIL

    Example: [bold]focys users show dana@example.com[/]
    """
    details = run(lambda services, _operator: services.directory.show(email))
    if as_json:
        print_json(
            record_of(details.person)
            | {
                "wrong_passwords": sum(details.wrong_passwords),
                "has_authenticator": details.person.account.mfa_enabled,
                "backup_codes_left": details.backup_codes,
                "sessions": details.sessions,
                "last_sign_in_at": details.last_sign_in,
                "known_browsers": details.known_browsers,
            }
        )
    else:
        print_values(_values(details))


def _values(details: Details) -> dict[str, str]:
    account = details.person.account
    return {
        "email": account.email,
        "name": account.display_name,
        "role": account.role,
        "state": words_for(details.person),
        "wrong passwords": _wrong_passwords(details.wrong_passwords),
        "second step": "authenticator app" if account.mfa_enabled else "not set up",
        "backup codes left": str(details.backup_codes),
        "sessions": str(details.sessions),
        "last sign-in": f"{minute(details.last_sign_in)} UTC" if details.last_sign_in else "none on record",
        "known browsers": str(details.known_browsers),
        "created": f"{minute(account.created_at)} UTC",
    }


def _wrong_passwords(numbers: list[int]) -> str:
    if not numbers:
        return "none recently"
    places = "1 network or browser" if len(numbers) == 1 else f"{len(numbers)} networks or browsers"
    return f"{sum(numbers)} from {places}"
