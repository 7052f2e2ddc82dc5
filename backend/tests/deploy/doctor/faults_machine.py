"""What can be wrong with the service's own machine: its unit, settings, files, email and backups."""

from tests.deploy.doctor.fault import Fault
from tests.deploy.server.outside import REFUSED

_SETTINGS = "/etc/focys/focys.env"
_GOOD = f"good {_SETTINGS}"


def _setting(line: str, name: str, value: str, state: str, told: str, advised: str) -> Fault:
    return Fault(f"{name}={value}", f"setting {name} '{value}'", line, state, told, _GOOD, advised)


def _readable(path: str) -> Fault:
    return Fault(f"everyone can read {path}", f"chmod o+rX {path}", "file access", "warn", "every user of this machine")


UNIT = [
    Fault("service is stopped", "systemctl stop focys-backend", "unit", "fail", "does not run the service"),
    Fault("service hangs", "systemctl kill --signal=STOP focys-backend", "workers", "fail", "does not respond"),
    Fault("service is not enabled", "systemctl disable focys-backend", "unit", "warn", "not start at boot"),
    Fault(
        "unit is not loaded",
        "sleep 1; echo '# changed' >> /etc/systemd/system/focys-backend.service",
        "unit",
        "warn",
        "changed after it was loaded",
    ),
    Fault(
        "settings are not in use", f"sleep 2; touch {_SETTINGS}", "settings in use", "warn", "changed after the service"
    ),
    Fault("metrics folder is gone", "rm -r /run/focys/metrics", "metrics", "warn", "cannot be read"),
]

FILES = [
    *map(_readable, ("/etc/focys/secret_key", _SETTINGS, "/etc/focys/database_url", "/etc/focys/owner_database_url")),
    *map(_readable, ("/etc/focys/smtp_password", "/var/backups/focys", "/etc/focys")),
    Fault("settings are unreadable", f"chmod 600 {_SETTINGS}", "settings", "fail", "cannot be read"),
    Fault("settings are not linked", "rm /app/backend/.env", "settings", "fail", "do not read the service's settings"),
    Fault("log is not writable", "chown root: /var/log/focys/backend.log", "log file", "fail", "not writable"),
    Fault(
        "disk of the log is full",
        "mount -t tmpfs -o size=50m tmpfs /var/log/focys; chown focys: /var/log/focys",
        "disk of the log",
        "fail",
        "50 MiB free",
        "umount /var/log/focys",
        "free some space",
    ),
]

SETTINGS = [
    _setting("proxies", "TRUSTED_PROXIES", "0.0.0.0/0", "warn", "every client is trusted", "set TRUSTED_PROXIES"),
    _setting(
        "local proxy", "TRUSTED_PROXIES", "192.0.2.7", "warn", "not in TRUSTED_PROXIES", "TRUSTED_PROXIES=127.0.0.1"
    ),
    _setting("cors origins", "CORS_ORIGINS", "http://localhost:5173", "warn", "own machines", "set CORS_ORIGINS"),
    _setting("settings", "DEBUG", "true", "fail", "DEBUG: must be False", f"correct it in {_SETTINGS}"),
    _setting("settings", "SMTP_PORT", "mail", "fail", "SMTP_PORT: ", f"correct it in {_SETTINGS}"),
    _setting("settings", "APP_NAME", "Acme # ours", "warn", "reads these differently: APP_NAME", "in single quotes"),
    _setting("app name", "APP_NAME", "FOCYS", "warn", "will show FOCYS", "set APP_NAME"),
    _setting(
        "limits",
        "RATE_LIMIT_STORAGE",
        "redis://localhost:6390/0",
        "warn",
        "no response from Redis",
        "correct RATE_LIMIT_STORAGE",
    ),
    _setting("limits", "RATE_LIMIT_STORAGE", "memory://", "warn", "each worker counts", "RATE_LIMIT_STORAGE=database"),
]

MAIL = [
    _setting("mail", "SMTP_HOST", "nowhere.invalid", "fail", "SMTP login failed", "correct SMTP_HOST"),
    _setting("mail", "SMTP_HOST", "", "warn", "codes go to the console", "set SMTP_HOST"),
    _setting("mail", "SMTP_PORT", "588", "fail", "SMTP login failed", "SMTP_PORT"),
    _setting("mail", "SMTP_USER", "someone@example.com", "fail", "SMTPAuthenticationError", "correct SMTP_USER"),
    _setting("mail", "SMTP_FROM", "not-login@example.com", "fail", "SMTPSenderRefused", "set SMTP_FROM"),
    Fault(
        "recipient is refused",
        f"focys users create {REFUSED} --password-stdin <<< ripe-lantern-orchard-62; waiting {REFUSED}",
        "outbox",
        "warn",
        "refuses the oldest",
        f"sql \"UPDATE users SET email = 'taken@example.com' WHERE email = '{REFUSED}'\" focys_db"
        '; sql "UPDATE outbox SET due_at = now() WHERE done_at IS NULL" focys_db; sleep 5',
        "correct the person's address",
    ),
    Fault(
        "mail server of an unknown authority",
        "mv /usr/local/share/ca-certificates/mail-and-acme.crt /var/tmp/mail.pem; update-ca-certificates --fresh",
        "mail",
        "fail",
        "SMTP login failed",
        "install -m 644 /var/tmp/mail.pem /etc/focys/mail.pem; setting SMTP_CA_FILE /etc/focys/mail.pem"
        "; systemctl restart focys-backend",
        "set SMTP_CA_FILE",
        undo="mv /var/tmp/mail.pem /usr/local/share/ca-certificates/mail-and-acme.crt; update-ca-certificates"
        f"; {_GOOD}; systemctl restart focys-backend",
    ),
    Fault(
        "wrong password of the mail server",
        "echo wrong > /etc/focys/smtp_password",
        "mail",
        "fail",
        "SMTPAuthenticationError",
        "good /etc/focys/smtp_password",
        "SMTP_PASSWORD",
    ),
]

BACKUPS = [
    Fault("backups are off", "systemctl stop focys-backup.timer", "backups", "warn", "timer is off"),
    Fault("no backup for days", "touch -d '5 days ago' /var/backups/focys", "backups", "warn", "none for 5 days"),
    Fault(
        "the last backup failed",
        "rm /etc/focys/backup_passphrase; systemctl start focys-backup || true",
        "backups",
        "warn",
        "the last one failed",
        "good /etc/focys/backup_passphrase",
        "journalctl -u focys-backup",
    ),
    Fault(
        "no backups at all",
        "systemctl disable --now focys-backup.timer; rm /etc/systemd/system/focys-backup.*; systemctl daemon-reload",
        "backups",
        "warn",
        "none are made",
        "good /etc/systemd/system; systemctl daemon-reload; systemctl enable --now focys-backup.timer",
        "docs/RUNBOOK.md, Every night",
    ),
]

FAULTS = [*UNIT, *FILES, *SETTINGS, *MAIL, *BACKUPS]
