"""What the service refuses to start on, and how it says so: by name, all at once, and never with a value."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from focys.app import create_app, create_site
from focys.domain.networks import NetworkLimit
from focys.settings import Settings, SettingsError, load_settings

KEY = "fHk3v0Qe7mW9sXz2Lr8TnB4yUc6JpA1dGq5EoIiV"
OTHER_KEY = "Zr8TnB4yUc6JpA1dGq5EoIiVfHk3v0Qe7mW9sXz2L"
NEWEST_KEY = "Qe7mW9sXz2Lr8TnB4yUc6JpA1dGq5EoIiVfHk3v0"
POSTGRES = "postgresql://user:hunter2@db.example/focys"
PRODUCTION = {"DATABASE_URL": POSTGRES, "SECRET_KEY": KEY, "PUBLIC_URL": "https://sso.corp.test"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Set variables, read the settings, return what is wrong."""

    def read(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings(_env_file=None, data_dir=tmp_path / "var")

    return read


def problems_of(read: Any, **variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(**variables)
    return refused.value.problems


def test_the_guides_production_settings_are_accepted(environment):
    settings = environment(**PRODUCTION)

    assert settings.database == "postgresql+asyncpg://user:hunter2@db.example/focys"
    assert not settings.is_embedded
    assert not settings.is_local
    assert settings.is_secure


def test_without_settings_the_embedded_defaults_apply(environment, tmp_path: Path):
    settings = environment()

    assert settings.is_embedded
    assert settings.is_local
    assert settings.database == f"sqlite+aiosqlite:///{tmp_path / 'var' / 'focys.db'}"
    assert (settings.algorithm, settings.mfa_policy, settings.totp_window) == ("HS256", "required", 1)
    assert settings.access_token_expire_minutes == 30
    assert settings.refresh_token_expire_days == 7
    assert settings.otp_expire_minutes == 5
    assert settings.cors_origins == ["http://localhost:5173"]
    assert settings.trusted_proxies == []
    assert settings.debug is False


REFUSED = [
    ("SECRET_KEY", {"SECRET_KEY": ""}),
    ("SECRET_KEY", {"SECRET_KEY": "short"}),
    ("SECRET_KEY", {"SECRET_KEY": "x" * 31}),
    ("SECRET_KEY", {"SECRET_KEY": "your-secret-key-here-generate-a-secure-one"}),
    ("SECRET_KEY", {"SECRET_KEY": "YOUR-SECRET-KEY-HERE-AND-SOME-MORE-EMAILS"}),
    ("SECRET_KEY", {"SECRET_KEY": "generate_secure_key_with_openssl_rand_hex_32"}),
    ("SECRET_KEY", {"SECRET_KEY": "changeme-changeme-changeme-changeme-changeme"}),
    ("SECRET_KEY", {"SECRET_KEY_FALLBACKS": KEY}),
    ("SECRET_KEY", {"SECRET_KEY_FALLBACKS": f"{OTHER_KEY},{OTHER_KEY}"}),
    ("SECRET_KEY", {"SECRET_KEY_FALLBACKS": "short"}),
    ("SECRET_KEY", {"SECRET_KEY": "a" * 64}),
    ("SECRET_KEY", {"SECRET_KEY": "ab" * 32}),
    ("SECRET_KEY", {"SECRET_KEY": "0123456789" * 4}),
    ("SECRET_KEY", {"SECRET_KEY": "correct-horse-battery-" * 2}),
    ("ALGORITHM", {"ALGORITHM": "none"}),
    ("ALGORITHM", {"ALGORITHM": "HS512"}),
    ("ALGORITHM", {"ALGORITHM": "RS256"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "*"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "https://*.example.com"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "https://a.example.com,*"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "null"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "app.corp.test"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "https://app.corp.test/path"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "ftp://app.corp.test"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "http://app.corp.test"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "https://app.corp.test,http://127.0.0.1.corp.test"}),
    ("PUBLIC_URL", {"PUBLIC_URL": "http://sso.corp.test"}),
    ("PUBLIC_URL", {"PUBLIC_URL": "sso.corp.test"}),
    ("PUBLIC_URL", {"PUBLIC_URL": "https://sso.corp.test/path"}),
    ("PUBLIC_URL", {"PUBLIC_URL": "https://sso.corp.test?x=1"}),
    ("DEBUG", {"DEBUG": "True"}),
    ("DEBUG", {"DEBUG": "perhaps"}),
    ("TOTP_WINDOW", {"TOTP_WINDOW": "2"}),
    ("TOTP_WINDOW", {"TOTP_WINDOW": "-1"}),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", {"ACCESS_TOKEN_EXPIRE_MINUTES": "31"}),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", {"ACCESS_TOKEN_EXPIRE_MINUTES": "0"}),
    ("REFRESH_TOKEN_EXPIRE_DAYS", {"REFRESH_TOKEN_EXPIRE_DAYS": "0"}),
    ("OTP_EXPIRE_MINUTES", {"OTP_EXPIRE_MINUTES": "11"}),
    ("OTP_EXPIRE_MINUTES", {"OTP_EXPIRE_MINUTES": "five"}),
    ("MFA_POLICY", {"MFA_POLICY": "off"}),
    ("RATE_LIMIT_STORAGE", {"RATE_LIMIT_STORAGE": "memcached://localhost"}),
    ("RATE_LIMIT_STORAGE", {"RATE_LIMIT_STORAGE": "redis://localhost:abc"}),
    ("PUBLIC_URL", {"PUBLIC_URL": "https://login.${DOMAIN}"}),
    ("TRUSTED_PROXIES", {"TRUSTED_PROXIES": "my-proxy.internal"}),
    ("TRUSTED_PROXIES", {"TRUSTED_PROXIES": "10.0.0.0/8,10.0.0.0/99"}),
    ("TRUSTED_PROXIES", {"TRUSTED_PROXIES": "10.0.0.0/8,2"}),
    ("TRUSTED_PROXY_HOPS", {"TRUSTED_PROXY_HOPS": "1"}),
    ("TRUSTED_PROXY_HOPS", {"TRUSTED_PROXIES": "10.0.0.0/8", "TRUSTED_PROXY_HOPS": "0"}),
    ("TRUSTED_PROXY_HOPS", {"TRUSTED_PROXIES": "10.0.0.0/8", "TRUSTED_PROXY_HOPS": "many"}),
    ("NETWORK_PASSWORD_FAILURES", {"NETWORK_PASSWORD_FAILURES": "0"}),
    ("NETWORK_ACCOUNTS", {"NETWORK_ACCOUNTS": "twenty"}),
    ("OWN_NETWORKS", {"OWN_NETWORKS": "school.example.com"}),
    ("OWN_NETWORKS", {"OWN_NETWORKS": "203.0.113.0/24,0.0.0.0/0"}),
    ("OWN_NETWORKS", {"OWN_NETWORKS": "::/0"}),
    ("OWN_NETWORKS", {"OWN_NETWORKS": "2001:db8::1"}),
    ("OWN_NETWORK_PASSWORD_FAILURES", {"OWN_NETWORK_PASSWORD_FAILURES": "-1"}),
    ("OWN_NETWORK_ACCOUNTS", {"OWN_NETWORK_ACCOUNTS": "9999999999"}),
    ("DATABASE_URL", {"DATABASE_URL": "mysql://user:hunter2@db/focys"}),
    ("DATABASE_URL", {"DATABASE_URL": "hunter2"}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite:////no/such/folder/focys.db"}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite://relative.db"}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite:///hunter2.db?timeout=soon"}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite:///:memory:"}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite:////tmp"}),
    ("DATABASE_URL", {"DATABASE_URL": f"{POSTGRES}?sslmode=verify-full&sslrootcert=/no/such/file"}),
    ("DATABASE_URL", {"DATABASE_URL": f"{POSTGRES}?sslmode=require&sslkey=/no/such/file"}),
    ("BREACHED_PASSWORDS_URL", {"BREACHED_PASSWORDS_URL": "pwned.corp.test"}),
    ("BREACHED_PASSWORDS_URL", {"BREACHED_PASSWORDS_URL": "https://pwned.corp.test:abc/range"}),
    ("BREACHED_PASSWORDS_URL", {"BREACHED_PASSWORDS_URL": "https://[pwned/range"}),
    ("BREACHED_PASSWORDS_URL", {"BREACHED_PASSWORDS_URL": "https://user:hunter2@pwned.corp.test/range"}),
    ("BREACHED_PASSWORDS_URL", {"BREACHED_PASSWORDS_URL": "https://pwned.corp.test/range?key=hunter2"}),
    ("SMTP_CA_FILE", {"SMTP_CA_FILE": "/no/such/file"}),
    ("SMTP_FROM", {"SMTP_HOST": "mail.example.com"}),
    ("SMTP_PORT", {"SMTP_PORT": "70000"}),
    ("SMTP_PORT", {"SMTP_PORT": "tcp://10.0.0.7:25"}),
    ("DATABASE_URL", {"DATABASE_URL": "", "DATBASE_URL": POSTGRES}),
    ("SMTP_SECURITY", {"SMTP_SECURITY": "perhaps"}),
    ("APP_NAME", {"APP_NAME": "x" * 31}),
    ("APP_NAME", {"APP_NAME": "${APP_NAME}"}),
    ("APP_NAME", {"APP_NAME": "     "}),
    ("APP_NAME", {"APP_NAME": "' '"}),
    ("APP_NAME", {"APP_NAME": "\u2028\u200b\u00a0"}),
    ("APP_NAME", {"APP_NAME": "Acme\u2028Tasks"}),
    ("APP_NAME", {"APP_NAME": "Acme\nTasks"}),
    ("APP_NAME", {"APP_NAME": "Acme\u202eTasks"}),
    ("SMTP_PASSWORD", {"SMTP_PASSWORD": "${SMTP_PASSWORD}"}),
    ("PASSWORD_HASH_MEMORY_KIB", {"PASSWORD_HASH_MEMORY_KIB": "1024"}),
    ("PASSWORD_HASH_PASSES", {"PASSWORD_HASH_PASSES": "1"}),
]


@pytest.mark.parametrize(
    ("name", "wrong"), REFUSED, ids=[f"{name}={[*wrong.values()][-1][:24]}" for name, wrong in REFUSED]
)
def test_an_unsafe_setting_is_refused_by_name_without_its_value(environment, name, wrong):
    problems = problems_of(environment, **{**PRODUCTION, **wrong})

    assert [problem.partition(":")[0] for problem in problems] == [name]
    values = [value for value in (*PRODUCTION.values(), *wrong.values()) if len(value) > 4]
    assert not any(value in problem for value in values for problem in problems)
    assert "hunter2" not in "".join(problems)


def test_all_problems_are_reported_at_once(environment, tmp_path: Path):
    """Anyone who fixes a configuration should have to start it once more only."""
    problems = problems_of(
        environment,
        DATABASE_URL_FILE=str(tmp_path / "gone"),
        SECRET_KEY="tiny",
        ALGORITHM="none",
        CORS_ORIGINS="*",
        PUBLIC_URL="http://sso.corp.test",
        TOTP_WINDOW="3",
        SMTP_HOST="mail.example.com",
    )

    assert {problem.partition(":")[0] for problem in problems} == {
        "DATABASE_URL",
        "SECRET_KEY",
        "ALGORITHM",
        "CORS_ORIGINS",
        "PUBLIC_URL",
        "TOTP_WINDOW",
        "SMTP_FROM",
    }
    assert len(problems) == 7


def test_printing_the_settings_shows_no_secret(environment, tmp_path: Path):
    password = tmp_path / "password"
    password.write_text("correct-horse")

    settings = environment(**PRODUCTION, SECRET_KEY_FALLBACKS=OTHER_KEY, SMTP_PASSWORD_FILE=str(password))

    assert settings.smtp_password.get_secret_value() == "correct-horse"
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    assert not any(secret in shown for secret in (KEY, OTHER_KEY, "hunter2", "correct-horse"))


def test_debug_allows_a_short_key_on_localhost_only(environment):
    settings = environment(DATABASE_URL=POSTGRES, SECRET_KEY="short", DEBUG="True")

    assert settings.debug
    assert settings.is_local


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "SMTP_PASSWORD", "SECRET_KEY_FALLBACKS"])
def test_each_secret_can_be_read_from_a_file(environment, tmp_path: Path, name: str):
    values = {"SECRET_KEY": KEY, "DATABASE_URL": POSTGRES, "SMTP_PASSWORD": "s3cret", "SECRET_KEY_FALLBACKS": OTHER_KEY}
    file = tmp_path / "secret"
    file.write_text(f"{values[name]}\n")
    others = {key: value for key, value in values.items() if key != name}

    settings = environment(**others, **{f"{name}_FILE": str(file)})

    stored = getattr(settings, name.lower())
    stored = stored[0] if isinstance(stored, list) else stored
    assert stored.get_secret_value() == values[name]


def test_variables_override_files_and_files_override_dotenv(environment, monkeypatch, tmp_path: Path):
    file, dotenv = tmp_path / "key", tmp_path / ".env"
    file.write_text(KEY)
    dotenv.write_text(f"SECRET_KEY={OTHER_KEY}\nAPP_NAME=Dotenv\nOTP_EXPIRE_MINUTES=3\n")

    from_dotenv = load_settings(_env_file=dotenv)
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    from_file = load_settings(_env_file=dotenv)
    monkeypatch.setenv("SECRET_KEY", NEWEST_KEY)
    monkeypatch.setenv("OTP_EXPIRE_MINUTES", "4")
    from_variable = load_settings(_env_file=dotenv)

    keys = [s.secret_key.get_secret_value() for s in (from_dotenv, from_file, from_variable)]
    assert keys == [OTHER_KEY, KEY, NEWEST_KEY]
    assert [s.app_name for s in (from_dotenv, from_variable)] == ["Dotenv", "Dotenv"]
    assert [s.otp_expire_minutes for s in (from_dotenv, from_variable)] == [3, 4]


def test_dotenv_can_name_the_file_of_a_secret(environment, tmp_path: Path):
    file, limits, dotenv = tmp_path / "key", tmp_path / "limits", tmp_path / ".env"
    file.write_text(KEY)
    limits.write_text("redis://:s3cret@valkey:6379/0\n")
    dotenv.write_text(f"SECRET_KEY_FILE={file}\nRATE_LIMIT_STORAGE_FILE={limits}\n")

    settings = load_settings(_env_file=dotenv)

    assert settings.secret_key.get_secret_value() == KEY
    assert settings.rate_limit_storage == "redis://:s3cret@valkey:6379/0"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00broken"])
def test_an_unreadable_secret_file_is_reported(environment, tmp_path: Path, content: bytes | None):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    problems = problems_of(environment, DATABASE_URL=POSTGRES, SECRET_KEY_FILE=str(file))

    assert len(problems) == 1
    assert problems[0].startswith("SECRET_KEY: the file that SECRET_KEY_FILE names ")


def test_the_embedded_key_is_created_once_and_private(environment, tmp_path: Path):
    first, second = environment().keys, environment().keys

    path = tmp_path / "var" / "secret_key"
    assert first == second == (path.read_text(),)
    assert len(first[0].encode()) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_concurrent_starts_agree_on_one_key(tmp_path: Path):
    """CRY-02: a worker must never read a key that another one has not written yet."""

    def key(_: int) -> str:
        return Settings(_env_file=None, data_dir=tmp_path / "var").keys[0]

    with ThreadPoolExecutor(8) as workers:
        keys = set(workers.map(key, range(40)))

    assert len(keys) == 1
    assert len(keys.pop()) == 64


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_damaged_key_file_stops_the_start(environment, tmp_path: Path, content: str):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text(content)

    with pytest.raises(SettingsError, match="SECRET_KEY: the generated key"):
        _ = environment().keys


def test_fallback_keys_follow_the_key_in_order(environment):
    settings = environment(**PRODUCTION, SECRET_KEY_FALLBACKS=f" {OTHER_KEY} , {'o' * 40} ,")

    assert settings.keys == (KEY, OTHER_KEY, "o" * 40)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("sqlite:////tmp/x.db", "sqlite+aiosqlite:////tmp/x.db"),
    ],
)
def test_a_database_url_needs_no_driver(environment, given: str, driver: str):
    assert environment(DATABASE_URL=given, SECRET_KEY=KEY).database == driver


def test_lists_are_comma_separated(environment):
    settings = environment(
        CORS_ORIGINS="https://a.example.com/, http://localhost:5173", TRUSTED_PROXIES="127.0.0.1,10.1.2.3/8 , ::1"
    )

    assert settings.cors_origins == ["https://a.example.com", "http://localhost:5173"]
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]


def test_network_limits_have_the_guides_defaults_and_can_be_set(environment):
    usual = environment().network_limits
    set_ones = environment(
        NETWORK_PASSWORD_FAILURES="40",
        NETWORK_ACCOUNTS="25",
        OWN_NETWORKS="203.0.113.9/24, 2001:db8:1::/48",
        OWN_NETWORK_PASSWORD_FAILURES="700",
        OWN_NETWORK_ACCOUNTS="800",
    ).network_limits

    assert (usual.usual, usual.own) == (NetworkLimit(30, 20), NetworkLimit(600, 1000))
    assert (set_ones.usual, set_ones.own) == (NetworkLimit(40, 25), NetworkLimit(700, 800))
    assert [str(network) for network in set_ones.own_networks] == ["203.0.113.0/24", "2001:db8:1::/48"]
    assert list(usual.own_networks) == []


@pytest.mark.parametrize(
    ("url", "local", "secure", "hosts"),
    [
        ("http://localhost:8000", True, False, set()),
        ("http://127.0.0.1", True, False, set()),
        ("http://[::1]:8000/", True, False, set()),
        ("https://localhost", True, True, set()),
        ("https://sso.corp.test:8443/", False, True, {"sso.corp.test"}),
        ("https://SSO.corp.test", False, True, {"sso.corp.test"}),
    ],
)
def test_the_public_url_determines_hosts_and_https(environment, url, local, secure, hosts):
    settings = environment(**{**PRODUCTION, "PUBLIC_URL": url})

    assert (settings.is_local, settings.is_secure) == (local, secure)
    assert settings.allowed_hosts == {"localhost", "127.0.0.1", "::1"} | hosts
    assert not settings.public_url.endswith("/")


@pytest.mark.parametrize("create", [create_app, create_site])
def test_the_app_is_not_created_with_bad_settings(monkeypatch: pytest.MonkeyPatch, create):
    """CFG-04: not only the command line checks."""
    monkeypatch.setenv("SECRET_KEY", "short")

    with pytest.raises(SettingsError):
        create()


def test_unknown_variables_are_ignored(environment):
    assert environment(PATH_TO_SOMETHING="x", FOCYS_NONSENSE="1").app_name == "FOCYS"


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch):
    """Compose passes empty values for variables that are not set."""
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), "")

    assert load_settings(_env_file=None).model_dump() == Settings(_env_file=None).model_dump()
    assert load_settings(_env_file=None).smtp_port == 587


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443/", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(given: str, meant: str):
    settings = load_settings(cors_origins=given, public_url=given, is_demo=True)

    assert (settings.cors_origins, settings.public_url) == ([meant], meant)
