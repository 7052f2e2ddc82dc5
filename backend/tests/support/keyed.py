"""The parts of a service that need its key, built again beside it."""

from focys.features.email_code import EmailCodes
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.tokens import Tokens
from focys.services import Services


def email_codes_of(services: Services) -> EmailCodes:
    settings = services.settings
    return EmailCodes(KeyRing(settings.keys), life=settings.email_code_life)


def tokens_of(services: Services) -> Tokens:
    settings = services.settings
    return Tokens(KeyRing(settings.keys), issuer=settings.public_url, access_life=settings.access_token_life)
