"""The command blocks of the documents, in order, each with what is to be seen after it."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.shipped import ROOT

DOCS = ROOT / "docs"
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")


@dataclass(frozen=True)
class Block:
    """One ``bash`` block; *shown* is the text block that follows it at once, line by line."""

    document: str
    heading: str
    line: int
    commands: str
    shown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.document}:{self.line} {self.heading}"


def blocks_of(document: Path) -> list[Block]:
    """Return the document's ``bash`` blocks from top to bottom."""
    blocks: list[Block] = []
    heading, lines = "", list(enumerate(document.read_text().splitlines(), start=1))
    between = ""
    while lines:
        number, line = lines.pop(0)
        fence = _FENCE.match(line)
        if fence is None:
            heading = line.lstrip("# ") if line.startswith("#") else heading
            between += line.strip()
            continue
        body = []
        while (inside := lines.pop(0)[1]) != f"{fence['indent']}```":
            body.append(inside.removeprefix(fence["indent"]))
        if fence["language"] == "bash":
            blocks.append(Block(document.name, heading, number, "\n".join(body)))
        elif fence["language"] == "text" and blocks and not between:
            last = blocks.pop()
            blocks.append(Block(last.document, last.heading, last.line, last.commands, tuple(body)))
        between = "" if fence["language"] == "bash" else "-"
    return blocks


def missing(shown: tuple[str, ...], output: str) -> str | None:
    """Return the first line of *shown* that the output does not have in its place; ``…`` stands for anything."""
    position = 0
    for line in filter(None, map(str.strip, shown)):
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        found = re.compile(pattern).search(output, position)
        if found is None:
            return line
        position = found.end()
    return None


def packages_of(blocks: list[Block]) -> list[str]:
    """Return what the blocks install with apt-get."""
    joined = [block.commands.replace("\\\n", " ") for block in blocks]
    calls = [call for text in joined for call in re.findall(r"apt-get install (.*)", text)]
    return sorted({word for call in calls for word in call.split() if not word.startswith("-")})
