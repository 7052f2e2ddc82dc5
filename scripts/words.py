"""Fail if a file uses a word from the list below, and say which word to use instead."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from places import ROOT

# Two words of one phrase may be on two lines, the second of which may begin with a comment sign.
GAP = r"\s+(?:(?:#|//|--|\*)\s*)?"
START, END = r"(?<![a-z])", r"(?![a-z])"  # an underscore separates words, too

INSTEAD = {
    rf"{START}anew{END}": "again, new",
    rf"{START}mend(?:s|ed|ing)?{END}": "fix",
    rf"{START}under[_ \-]way{END}|\bunder{GAP}way\b": "in progress",
    rf"\bat{GAP}hand\b": "current, available",
    rf"{START}who(?:so)?ever{END}": "anyone who, whose",
    rf"{START}letters?{END}": "email, message",
    rf"{START}handles?(?=_|\s*[=:;,.)\]}}|])|_handles?{END}"
    rf"|\b(?:an?|the|its|their|this|each|no|new|old|random|login|stolen|by|of){GAP}handles?\b": "login token",
    r"\be-mail(?:s|ed|ing)?\b": "email",
    rf"\bmails\b|\b(?:a|one|each|every|another){GAP}mail\b(?![ -](?:server|program|address))": "email, message",
    r"(?-i:\bElse\b)|(?<=[.,;:] )else\b": "otherwise",
    rf"\balso{GAP}while\b": "even while",
    rf"\bfor{GAP}ever\b": "forever",
    r"authoris(?=e|i|a)": "authoriz-",
    r"enrol(?!l)": "enroll",
    r"cancell(?=ed|ing)": "cancel-",
    r"(?:custom|initial|minim|normal|optim|organ|parametr|recogn|serial|summar|synchron)is(?=e|ing|ation)": "-iz-",
    r"(?:behavi|col|fav|flav|hon|neighb)our": "-or",
    r"licence": "license",
    r"(?:label|model|travel)l(?=ed(?!by)|ing)": "-l-",
    rf"{START}(?:analyse|catalogue|centre|defence|grey|judgement|misspelt){END}": "the American spelling",
}

ALLOWED = {
    # Promised to clients of the API, to readers of the log, or to operators.
    "enrolment_expired": "an error code",
    "enrolment_out_of_turn": "an alarm in the audit log",
    "MFA enrolment": "an event in the audit log",
    "login cancelled": "an event in the audit log",
    "LOGIN_CANCELLED": "its name",
    "the field `mend`": "a field of earlier logs",
    "not `letter`": "the same",
    "FocysClockNotSynchronised": "an alert that operators may route by name",
    "focysclocknotsynchronised": "its heading in the runbook",
    "metrics.MAILS": "the counter focys_mails",
    "\nMAILS = ": "the same",
    '"mails": "Mail"': "the same, on the dashboard",
    # In the database.
    "handle_hash": "a column",
    "totp_enrolments": "a table of the previous version",
    # Words of others.
    ".cancelled()": "asyncio",
    "CancelledError": "asyncio",
    ".handle(": "logging",
    "def _handle(": "the same",
    "partialmethod(_handle,": "the same",
    "handle_hup": "gunicorn",
    "handle_RCPT": "aiosmtpd",
    "handle_DATA": "aiosmtpd",
    "handle_async_request": "httpx",
    "settings_customise_sources": "pydantic",
    "letter-spacing": "CSS",
    "letters and digits": "the alphabet",
    "small letters": "the alphabet",
    "full-width letters": "the alphabet",
    "spell a letter": "the alphabet",
    "two letters": "the alphabet",
    # Files whose names are linked to.
    "0009-enrolment-has-fifteen-minutes.md": "a decision",
}

FILES = [
    *("*.py", "*.ts", "*.tsx", "*.mjs", "*.css", "*.html", "*.md", "*.txt", "*.sql", "*.sh", "*.toml", "*.yml"),
    *("*.yaml", "*.conf", "*.service", "*.timer", "*.sysusers", "*.tmpfiles", "*.example", "*.sed", "Makefile"),
    *("deploy/bin/*", "deploy/grafana/*", "deploy/logrotate/*", "deploy/Dockerfile"),
    # Migrations stay as they ran; the API types and the locks are generated.
    *(":!backend/migrations/versions", ":!frontend/src/lib/schema.ts", ":!*requirements*.txt", ":!scripts/uv.txt"),
    *(":!frontend/node.txt", ":!scripts/words.py", ":!backend/tests/scripts/test_words.py"),
]

_WORD = re.compile("|".join(f"(?P<w{n}>{pattern})" for n, pattern in enumerate(INSTEAD)), re.IGNORECASE)
_ALLOWED = re.compile("|".join(map(re.escape, ALLOWED)))


@dataclass(frozen=True)
class Found:
    """A word on the list, and where it is."""

    line: int
    word: str
    instead: str


def main() -> int:
    """Print each word with its place, then how often each occurs; return the exit code."""
    counts: Counter[str] = Counter()
    for name in _files():
        for found in words_in((ROOT / name).read_text(encoding="utf-8")):
            print(f"{name}:{found.line}: {found.word!r}: use {found.instead}")
            counts[found.word] += 1
    for word, count in counts.most_common():
        print(f"{count:5} {word}")
    print(f"{counts.total() or 'None'} found.")
    return 1 if counts else 0


def words_in(text: str) -> Iterator[Found]:
    """Return the words on the list that *text* uses, from top to bottom."""
    text = _ALLOWED.sub(lambda match: "·" * len(match[0]), text)
    for match in _WORD.finditer(text):
        instead = list(INSTEAD.values())[int(str(match.lastgroup)[1:])]
        word = " ".join(re.findall(r"\w[\w-]*|_", match[0].lower()))
        yield Found(text.count("\n", 0, match.start()) + 1, word, instead)


def _files() -> Iterator[str]:
    # Also for root in somebody else's clone, which git would refuse.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--", *FILES]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    yield from (name for name in listed.split("\0") if name and (ROOT / name).is_file())


if __name__ == "__main__":
    sys.exit(main())
