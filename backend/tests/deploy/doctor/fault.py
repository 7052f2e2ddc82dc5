"""A fault in a deployment: how it is planted, which line of the doctor reports it, and how its advice is followed."""

import re
from dataclasses import dataclass

FUNCTIONS = r"""
env=/etc/focys/focys.env
site=/etc/nginx/sites-available/focys
setting() { sed -i "/^$1=/d" $env; [ $# = 1 ] || echo "$1=$2" >> $env; }
sql() { sudo -u postgres psql -q -v ON_ERROR_STOP=1 -c "$1" "${2:-postgres}"; }
good() { for kept in "$@"; do rm -rf "$kept"; cp -a "/var/tmp/good$kept" "$kept"; done; }
in_site() { sed -i -E "$1" $site; systemctl reload nginx; }
waiting() { sql "INSERT INTO outbox (id, user_id, kind, about, created_at, due_at, tries) SELECT gen_random_uuid(), id,
    'mfa_reset', '{\"at\": \"2026-01-01 12:00\"}', now() - interval '1 hour', now(), 0 FROM users WHERE email = '$1'" focys_db; }
certificate() { cd /etc/letsencrypt/live/login.example.com
    for part in cert chain fullchain privkey; do cat "/var/tmp/certificates/$1/$part.pem" > $part.pem; done
    cd; systemctl reload nginx; }
"""
"""The shell functions that faults are written with; copies of the good files are in /var/tmp/good."""

KEEP = """
for kept in /etc/focys /etc/nginx /etc/letsencrypt /etc/systemd/system; do
    mkdir -p "/var/tmp/good${kept%/*}" && cp -a "$kept" "/var/tmp/good$kept"
done
"""

_COMMAND = re.compile(
    r"(?:^|: |; )(?P<command>(?:sudo|systemctl|systemd-tmpfiles|certbot|focys|chmod|chown|install -d|ln) .*?"
    r"|DATABASE_URL_FILE=.*?)(?=$|; )"
)


@dataclass(frozen=True)
class Fault:
    """*plant* and *edit* are commands; *line* names the doctor's line, *told* is in its detail.

    Without an *edit*, the advice is a command and nothing else helps. With one, the advice says what to edit, and
    *advised* is in it; a command in it comes after the edit. *leaves* is a line that then reports something else, and
    *undo* reverts what the advice has changed for good.
    """

    name: str
    plant: str
    line: str
    state: str
    told: str
    edit: str = ""
    advised: str = ""
    leaves: str = ""
    undo: str = ""


def commands_in(advice: str) -> list[str]:
    """Return the commands in a piece of advice, as one would copy them."""
    return [found["command"] for found in _COMMAND.finditer(advice)]
