"""PostgreSQL as on another machine: TLS and a password only, at an address of its own; its administrator is no superuser."""

import trustme

from tests.deploy.server.machine import Machine
from tests.deploy.server.walk import Ran

HOST, ADDRESS = "db.example.com", "127.0.0.2"
ADMIN_PASSWORD = "of-the-provider"
DATA = "srv/database"
_START = f"""
chown -R postgres: /{DATA}
bin=$(echo /usr/lib/postgresql/*/bin)
runuser -u postgres -- $bin/initdb --pgdata /{DATA}/data --auth-local peer --auth-host scram-sha-256 > /dev/null
printf '%s\\n' 'local all all peer' 'hostssl all all all scram-sha-256' > /{DATA}/data/pg_hba.conf
systemd-run --quiet --unit=second-database --property=User=postgres --property=Type=notify $bin/postgres -D /{DATA}/data \\
    -c listen_addresses={ADDRESS} -c unix_socket_directories=/{DATA} \\
    -c ssl=on -c ssl_cert_file=/{DATA}/certificate.pem -c ssl_key_file=/{DATA}/key.pem
runuser -u postgres -- psql --quiet --host /{DATA} \\
    -c "CREATE ROLE admin LOGIN CREATEROLE CREATEDB PASSWORD '{ADMIN_PASSWORD}'"
"""


def start_second_database(machine: Machine) -> Ran:
    """Start it, and put its certificate authority where the documents expect it."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    folder = machine.root / DATA
    folder.mkdir()
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "key.pem").chmod(0o600)
    (folder / "certificate.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    authority.cert_pem.write_to_path(machine.root / "etc" / "ssl" / "certs" / f"{HOST}.pem")
    with (machine.root / "etc" / "hosts").open("a") as hosts:
        hosts.write(f"{ADDRESS} {HOST}\n")
    return machine.run(_START)
