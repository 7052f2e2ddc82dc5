"""All settings, with the guide's names, their defaults and limits."""

import re
from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from focys.domain.networks import NETWORK_PREFIX, NetworkLimit, NetworkLimits
from focys.settings import values
from focys.settings.certificates import CertificateFile
from focys.settings.database import DatabaseUrl, tls_problems, with_driver, with_tls
from focys.settings.origins import LOCAL_HOSTS, exact_origin
from focys.settings.secret_files import SECRETS, SecretFiles, UnreadableFile, former_keys, generated_key
from focys.settings.together import key_problems, origin_problems

BACKEND = Path(__file__).resolve().parents[2]
PAGES = BACKEND.parent / "frontend" / "dist"
DEMO_PAGES = PAGES.with_name("dist-demo")

_UNFILLED = re.compile(r"\$\{[^}]*\}")


def _split(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


class Settings(BaseSettings):
    """All settings and their defaults. A secret may also be given as NAME_FILE, the path of a file that contains it."""

    model_config = SettingsConfigDict(
        env_file=BACKEND / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: DatabaseUrl = SecretStr("")
    pgsslmode: str = ""
    pgsslrootcert: Path | None = None
    secret_key: SecretStr = SecretStr("")
    secret_key_fallbacks: Annotated[list[SecretStr], NoDecode] = []
    algorithm: values.Algorithm = "HS256"
    access_token_expire_minutes: int = Field(default=30, ge=1, le=30)
    refresh_token_expire_days: int = Field(default=7, ge=1, le=30)
    otp_expire_minutes: int = Field(default=5, ge=1, le=10)
    cors_origins: Annotated[list[str], NoDecode] = ["http://localhost:5173"]
    debug: bool = False

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = ""
    smtp_security: Literal["starttls", "tls", "none"] | None = None
    smtp_ca_file: CertificateFile | None = None

    public_url: str = "http://localhost:8000"
    hsts_include_subdomains: bool = True
    app_name: values.AppName = "FOCYS"
    support_contact: values.SupportContact = ""
    app_url: values.AppUrl = ""
    logo: values.Logo = ""
    accent_color: values.AccentColor = ""
    mfa_policy: Literal["required", "optional"] = "required"
    totp_window: int = Field(default=1, ge=0, le=1)
    rate_limit_storage: values.RateLimitStorage = "database"
    network_password_failures: int = Field(default=30, ge=1, le=100_000)
    network_accounts: int = Field(default=20, ge=1, le=100_000)
    own_networks: Annotated[list[IPv4Network | IPv6Network], NoDecode] = []
    own_network_password_failures: int = Field(default=600, ge=1, le=100_000)
    own_network_accounts: int = Field(default=1000, ge=1, le=100_000)
    logins_per_network: int = Field(default=60, ge=5, le=10_000)
    emailed_codes_per_network: int = Field(default=3, ge=1, le=100)
    emailed_codes_a_day: int = Field(default=10, ge=1, le=1_000)
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode] = []
    trusted_proxy_hops: int | None = Field(default=None, ge=1, le=10)
    log_file: values.LogFile | None = None
    prometheus_multiproc_dir: Path | None = None
    data_dir: Path = BACKEND / "var"
    database_pool_size: int = Field(default=8, ge=1, le=100)
    password_hash_memory_kib: int = Field(default=19 * 1024, ge=19 * 1024)
    password_hash_passes: int = Field(default=2, ge=2)
    password_hash_threads: int = Field(default=1, ge=1, le=16)
    password_hash_queue: int = Field(default=64, ge=1)
    breached_passwords_url: values.BreachService = ""

    @field_validator("*", mode="before")
    @classmethod
    def _is_filled_in(cls, value: object, info: ValidationInfo) -> object:
        # A password may contain what looks like a placeholder.
        found = _UNFILLED.fullmatch if info.field_name in SECRETS else _UNFILLED.search
        if isinstance(value, str) and found(value):
            raise ValueError("is a placeholder that nothing has filled in")
        return value

    @field_validator(*SECRETS, mode="before")
    @classmethod
    def _was_read(cls, value: object) -> object:
        if isinstance(value, UnreadableFile):
            raise ValueError(value.sentence)  # noqa: TRY004  pydantic wants a ValueError
        return value

    @field_validator("smtp_port", mode="before")
    @classmethod
    def _is_no_service_link(cls, value: object) -> object:
        if isinstance(value, str) and "://" in value:
            raise ValueError(
                "Kubernetes sets this for a service named smtp; use enableServiceLinks: false, or set a number"
            )
        return value

    @field_validator("secret_key_fallbacks", "cors_origins", mode="before")
    @classmethod
    def _split_lists(cls, value: object) -> object:
        return _split(value)

    @field_validator("trusted_proxies", "own_networks", mode="before")
    @classmethod
    def _parse_networks(cls, value: object) -> object:
        networks = _split(value)
        try:
            return [ip_network(item, strict=False) for item in networks] if isinstance(networks, list) else networks
        except ValueError:
            raise ValueError("list networks such as 127.0.0.1 or 10.0.0.0/8") from None

    @field_validator("own_networks")
    @classmethod
    def _are_networks_of_one_owner(cls, value: list[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("a network of your own cannot contain every address")
        if any(network.version == 6 and network.prefixlen > NETWORK_PREFIX[6] for network in value):  # noqa: PLR2004
            raise ValueError("an IPv6 network must be a /64 or larger")
        return value

    @field_validator(
        "trusted_proxy_hops", "log_file", "prometheus_multiproc_dir", "smtp_ca_file", "pgsslrootcert", mode="before"
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        try:
            origin = exact_origin(value)
        except ValueError:
            raise ValueError("give the address that users enter, such as https://login.example.com") from None
        if origin.startswith("http:") and urlsplit(origin).hostname not in LOCAL_HOSTS:
            raise ValueError("a public address must start with https://")
        return origin

    @field_validator("cors_origins")
    @classmethod
    def _are_exact_origins(cls, value: list[str]) -> list[str]:
        try:
            return [exact_origin(origin) for origin in value]
        except ValueError:
            raise ValueError("list exact origins such as https://app.example.com; no wildcard, no path") from None

    @model_validator(mode="after")
    def _is_safe(self) -> "Settings":
        problems = [
            *tls_problems(self.database_url.get_secret_value(), self.pgsslmode, self.pgsslrootcert),
            *self._key_problems(),
            *self._debug_problems(),
            *self._mail_problems(),
            *self._proxy_problems(),
            *origin_problems(self.public_url, self.cors_origins),
            *self._logo_problems(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _key_problems(self) -> list[str]:
        key = self.secret_key.get_secret_value()
        if key:
            return key_problems(key, [k.get_secret_value() for k in self.secret_key_fallbacks], debug=self.debug)
        is_optional = self.is_embedded
        return [] if is_optional else ["SECRET_KEY: must be set when DATABASE_URL is (try: openssl rand -base64 48)"]

    def _debug_problems(self) -> list[str]:
        return ["DEBUG: must be False when PUBLIC_URL is not local"] if self.debug and not self.is_local else []

    def _mail_problems(self) -> list[str]:
        needs_sender = self.smtp_host and "@" not in (self.smtp_from or self.smtp_user)
        return ["SMTP_FROM: give the address to send email from"] if needs_sender else []

    def _proxy_problems(self) -> list[str]:
        has_no_effect = self.trusted_proxy_hops is not None and not self.trusted_proxies
        return ["TRUSTED_PROXY_HOPS: has no effect without TRUSTED_PROXIES"] if has_no_effect else []

    def _logo_problems(self) -> list[str]:
        is_elsewhere = values.is_url(self.logo) and not self.logo.startswith(f"{self.public_url}/")
        return ["LOGO: give a file, or an address that begins with PUBLIC_URL"] if is_elsewhere else []

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the library passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add NAME_FILE variables to the sources."""
        return init_settings, env_settings, SecretFiles(settings_cls, dotenv_settings), dotenv_settings

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the default SQLite file."""
        return not self.database_url.get_secret_value()

    @property
    def is_local(self) -> bool:
        """Whether the service is reachable from this machine only."""
        return urlsplit(self.public_url).hostname in LOCAL_HOSTS

    @property
    def is_secure(self) -> bool:
        """Whether cookies are sent over TLS only: always, except with http on a local address."""
        return self.public_url.startswith("https://")

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The host names, without ports, that are accepted in requests."""
        return LOCAL_HOSTS | {urlsplit(self.public_url).hostname or ""}

    @cached_property
    def database(self) -> str:
        """The database URL with an asynchronous driver, and with PGSSLMODE and PGSSLROOTCERT unless it has its own."""
        url = self.database_url.get_secret_value().strip()
        if not url:
            return f"sqlite+aiosqlite:///{self.data_dir / 'focys.db'}"
        return with_driver(with_tls(url, self.pgsslmode, self.pgsslrootcert))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The secret key and its predecessors, newest first. With the default database the key is generated."""
        fallbacks = [key.get_secret_value() for key in self.secret_key_fallbacks]
        key = self.secret_key.get_secret_value()
        if not key:
            key = generated_key(self.generated_key_file)
            fallbacks = fallbacks or former_keys(self.generated_key_file, key)
        return (key, *fallbacks)

    @property
    def generated_key_file(self) -> Path:
        """Where the key is that was generated for the default database."""
        return self.data_dir / "secret_key"

    @property
    def network_limits(self) -> NetworkLimits:
        """The limits on wrong passwords, usually and for OWN_NETWORKS."""
        return NetworkLimits(
            usual=NetworkLimit(self.network_password_failures, self.network_accounts),
            own=NetworkLimit(self.own_network_password_failures, self.own_network_accounts),
            own_networks=tuple(self.own_networks),
        )

    @property
    def access_token_life(self) -> timedelta:
        """How long an access token is valid."""
        return timedelta(minutes=self.access_token_expire_minutes)

    @property
    def session_life(self) -> timedelta:
        """The longest time a session lasts after the sign-in."""
        return timedelta(days=self.refresh_token_expire_days)

    @property
    def email_code_life(self) -> timedelta:
        """How long an emailed code is valid."""
        return timedelta(minutes=self.otp_expire_minutes)
