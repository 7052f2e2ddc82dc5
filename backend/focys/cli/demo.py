"""The demo accounts, for the embedded database only."""

from focys.features.accounts import AccountError
from focys.infra.web.caller import Caller
from focys.services import Services
from focys.settings import LOCAL_HOSTS, Settings

DEMO_ACCOUNTS = (
    ("alice@student.com", "Alice Moreau", "user", "paper-lantern-orchard-61"),
    ("bob@student.com", "Bob Okafor", "user", "copper-bicycle-harbour-28"),
    ("carol@student.com", "Carol Lindqvist", "admin", "velvet-compass-meadow-94"),
)


def why_no_demo(settings: Settings, host: str) -> str | None:
    """Return why a demo, whose passwords are public, must not use these settings or *host*; None if it may."""
    if not settings.is_embedded:
        return "DATABASE_URL is set"
    if not settings.is_local:
        return "PUBLIC_URL is not a local address"
    if settings.smtp_host:
        return "SMTP_HOST is set, and the addresses of the demo accounts could be real ones"
    if host not in LOCAL_HOSTS:
        return f"{host} is not a local address"
    return None


async def create_demo_accounts(services: Services, caller: Caller) -> None:
    """Create the demo accounts that do not exist yet.

    Raises:
        ValueError: the database is not the embedded one.
    """
    if not services.settings.is_embedded:
        raise ValueError("demo accounts exist in the embedded database only")
    for address, name, role, password in DEMO_ACCOUNTS:
        try:
            await services.accounts.get(address)
        except AccountError:
            hashed = await services.passwords.choose(password, address)
            await services.accounts.create(
                address, hashed, caller, name=name, role="admin" if role == "admin" else "user"
            )
