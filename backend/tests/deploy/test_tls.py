"""TLS as the shipped file has it: versions, ciphers, names."""

import socket
import ssl
import warnings

import pytest

from tests.deploy.front import Front, read_all
from tests.deploy.shipped import DOMAIN

OTHER = "other.example.com"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_current_tls_versions_work(front: Front, version: ssl.TLSVersion):
    with front.connect(context=_only(front, version)) as connection:
        assert connection.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]


@pytest.mark.parametrize("name", [DOMAIN, OTHER, None])
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_older_versions_are_refused_by_the_server(front: Front, version: str, name: str | None):
    old = _only(front, ssl.TLSVersion[version])
    # Without this the client itself would refuse.
    old.set_ciphers("ALL:@SECLEVEL=0")

    # Some versions look at the name before they look at the version.
    refusals = r"ALERT_PROTOCOL_VERSION" if name == DOMAIN else r"ALERT_PROTOCOL_VERSION|UNRECOGNIZED_NAME"
    with pytest.raises(ssl.SSLError, match=refusals):
        front.connect(context=old, name=name)


def test_a_weak_cipher_is_refused_by_the_server(front: Front):
    weak = _only(front, ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA")

    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        front.connect(context=weak)


def test_http_2_works(front: Front):
    trust = front.trust()
    trust.set_alpn_protocols(["h2", "http/1.1"])

    with front.connect(context=trust) as connection:
        assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("name", [OTHER, None])
def test_another_server_name_gets_no_certificate(front: Front, name: str | None):
    careless = front.trust()
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE

    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        front.connect(context=careless, name=name)


@pytest.mark.parametrize("host", [OTHER, "127.0.0.1", f"{DOMAIN}.evil.example", "localhost"])
@pytest.mark.parametrize("path", ["/", "/api/health/live"])
def test_another_host_in_the_request_gets_no_response(front: Front, host: str, path: str):
    over_tls, _ = front.get(path, host=host)
    with socket.create_connection(("127.0.0.1", front.plain_port)) as plain:
        plain.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        in_clear = read_all(plain)

    assert over_tls == 0
    assert in_clear == b""


def test_plaintext_on_the_tls_port_is_refused(front: Front):
    with socket.create_connection(("127.0.0.1", front.tls_port)) as plain:
        plain.sendall(f"POST /api/auth/login HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\n".encode())
        response = read_all(plain)

    assert response.startswith(b"HTTP/1.1 400 ")


def _only(front: Front, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = front.trust()
    context.check_hostname = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context
