"""Settings that are refused, or accepted, because of other settings or of where they come from."""

from secrets import token_hex, token_urlsafe

import pytest

from focys.settings import load_settings
from tests.infra.test_settings import KEY, POSTGRES, PRODUCTION, environment, problems_of

__all__ = ["environment"]


def test_the_port_that_kubernetes_sets_is_refused_with_its_cause(environment):
    """CFG-04: SMTP_PORT=tcp://… comes from a service named smtp, not from the operator."""
    (problem,) = problems_of(environment, **PRODUCTION, SMTP_PORT="tcp://10.0.0.7:25")

    assert problem == (
        "SMTP_PORT: kubernetes sets this for a service named smtp; use enableServiceLinks: false, or set a number"
    )


def test_a_misspelled_database_never_means_sqlite_on_a_public_service(environment):
    """CFG-04: people would find an empty service, without their accounts."""
    (problem,) = problems_of(environment, DATBASE_URL=POSTGRES, SECRET_KEY=KEY, PUBLIC_URL=PRODUCTION["PUBLIC_URL"])

    assert "must be set when PUBLIC_URL is not local (is it misspelled?)" in problem
    assert load_settings(is_demo=True).is_embedded


def test_a_weak_key_can_be_rotated_out(environment):
    """CRY-07: as a fallback it still opens what it encrypted."""
    assert environment(**PRODUCTION, SECRET_KEY_FALLBACKS="ab" * 32).keys == (KEY, "ab" * 32)


@pytest.mark.parametrize("length", [16, 24, 32, 48])
def test_random_keys_are_accepted(environment, length: int):
    for key in (token_hex(max(length, 16)), token_urlsafe(max(length, 24))):
        assert environment(**{**PRODUCTION, "SECRET_KEY": key}).keys == (key,)


def test_a_page_on_the_users_own_machine_needs_no_tls(environment):
    origins = "http://localhost:5173,http://127.0.0.1:3000"

    assert environment(**PRODUCTION, CORS_ORIGINS=origins).cors_origins == origins.split(",")
