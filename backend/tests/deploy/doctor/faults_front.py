"""What can be wrong between a visitor's browser and the service: nginx, its certificate, the pages, PUBLIC_URL."""

from tests.deploy.doctor.fault import Fault

_GOOD_SITE = "good /etc/nginx/sites-available/focys"
_GOOD_CERTIFICATE = "good /etc/letsencrypt"
_GOOD_SETTINGS = "good /etc/focys/focys.env"


def _site(name: str, change: str, line: str, told: str, advised: str, state: str = "fail") -> Fault:
    return Fault(name, f"in_site '{change}'", line, state, told, _GOOD_SITE, advised)


def _public_url(name: str, value: str, line: str, told: str, advised: str = "PUBLIC_URL") -> Fault:
    return Fault(name, f"setting PUBLIC_URL {value}", line, "fail", told, _GOOD_SETTINGS, advised)


NGINX = [
    Fault("nginx is stopped", "systemctl stop nginx", "certificate", "fail", "cannot be reached"),
    Fault(
        "site is not enabled",
        "rm /etc/nginx/sites-enabled/focys; systemctl restart nginx",
        "certificate",
        "fail",
        "cannot be reached",
        "ln -s /etc/nginx/sites-available/focys /etc/nginx/sites-enabled/focys",
        "enable its site",
    ),
    _site(
        "prefix lost", "s#(proxy_pass http://focys_backend)/;#\\1;#", "public api", "pass /api/ on", "slash at the end"
    ),
    _site(
        "API not passed on", r"s#location \^~ /api/ \{#location ^~ /lost/ {#", "public api", "pass /api/ on", "/api/"
    ),
    _site("host lost", "s#(set_header Host) .*;#\\1 elsewhere;#", "public api", "another host name", "Host $host"),
    _site("wrong upstream", "s#server 127.0.0.1:8000;#server 127.0.0.1:8009;#", "public api", "502", "127.0.0.1:8000"),
    _site("TLS gone", "s# ssl http2##", "certificate", "no TLS", "listen … ssl"),
    _site("name gone", "s#server_name login.*;#server_name old.example.com;#", "certificate", "no TLS", "server_name"),
    _site(
        "metrics are public",
        r"s#location \^~ /api/metrics \{#location ^~ /closed {#",
        "public metrics",
        "anyone can read",
        "return 404",
        state="warn",
    ),
]

CERTIFICATES = [
    Fault("certificate expired", "certificate expired", "certificate", "fail", "has expired"),
    Fault("certificate about to expire", "certificate expiring", "certificate", "warn", "valid for 4 more days"),
    Fault("certificate of another name", "certificate other", "certificate", "fail", "not valid for"),
    Fault(
        "certificate of an unknown authority",
        "certificate unknown",
        "certificate",
        "fail",
        "unable to get local issuer",
        _GOOD_CERTIFICATE,
        "a known authority",
    ),
]

PAGES = [
    Fault(
        "pages are missing",
        "mv /app/frontend/dist /app/frontend/away",
        "public page",
        "fail",
        "is not served",
        "mv /app/frontend/away /app/frontend/dist",
        "build them",
    ),
    Fault(
        "a script is missing",
        "mv /app/frontend/dist/assets /app/frontend/away",
        "public page",
        "fail",
        "is not served",
        "mv /app/frontend/away /app/frontend/dist/assets",
        "build them",
    ),
    Fault("pages are unreadable", "chmod -R go-rX /app/frontend/dist", "public page", "fail", "is not served"),
]

ADDRESS = [
    _public_url("unknown public address", "https://nowhere.invalid", "certificate", "cannot be reached"),
    _public_url(
        "address without a site", "https://smtp.example.com", "certificate", "no TLS for this name", "server_name"
    ),
    _public_url("public address of another", "https://acme.example.com:14000", "public api", "another program"),
]
FAULTS = [*NGINX, *CERTIFICATES, *PAGES, *ADDRESS]
