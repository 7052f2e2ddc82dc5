"""The doctor's visit to a server: a fault is planted, the doctor names it, its advice is followed, and it is gone."""

import json
from dataclasses import dataclass

from tests.deploy.doctor.fault import FUNCTIONS, KEEP, Fault, commands_in
from tests.deploy.server.machine import Machine
from tests.deploy.server.walk import Outcome

CALM = """
good /etc/focys /etc/nginx /etc/letsencrypt /etc/systemd/system
systemctl daemon-reload
systemctl restart postgresql nginx focys-backend
"""
"""Puts the server back together after a fault that nobody could fix."""


@dataclass(frozen=True)
class Report:
    """What the doctor reported: its exit status, and each of its lines by name."""

    code: int
    checks: dict[str, dict[str, str]]

    @property
    def bad(self) -> dict[str, dict[str, str]]:
        return {name: check for name, check in self.checks.items() if check["state"] != "ok"}


class Visit:
    """A server on which nothing is wrong except what is *usual* there."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.do(KEEP)
        self.usual = set(self.examine().bad)

    def do(self, commands: str) -> str:
        """Run commands with the functions for faults; return what they print if they fail, and nothing otherwise."""
        ran = self._machine.run(f"{FUNCTIONS}\n{commands.replace('{keep}', KEEP)}")
        return "" if ran.code == 0 else f"`{commands}` ended with {ran.code}:\n{ran.output[-1500:]}"

    def examine(self) -> Report:
        """Have the doctor check everything, with no option except ``--json``."""
        ran = self._machine.run("focys doctor --json")
        text = ran.output[ran.output.find("{\n") :]
        assert text, ran.output
        return Report(ran.code, {check["name"]: check for check in json.loads(text)["checks"]})

    def try_out(self, fault: Fault) -> Outcome:
        """Plant a fault, and report whether the doctor named it and its advice fixed it."""
        words = self._problems_with(fault) + (self.do(fault.undo) if fault.undo else "")
        if words:
            self.do(CALM)
        return Outcome(passed=not words, words=words)

    def _problems_with(self, fault: Fault) -> str:
        if failed := self.do(fault.plant):
            return failed
        found = self.examine()
        line = found.checks.get(fault.line, {"state": "", "detail": "", "fix": ""})
        bad = "\n".join(
            f"{check['state']} {name}: {check['detail']} → {check['fix']}" for name, check in found.bad.items()
        )
        if line["state"] != fault.state or fault.told not in line["detail"]:
            return f"no {fault.state} at {fault.line} with {fault.told!r}:\n{bad}"
        if found.code != any(check["state"] == "fail" for check in found.bad.values()):
            return f"the exit status is {found.code}:\n{bad}"
        commands = commands_in(line["fix"])
        if fault.advised not in line["fix"] or not (fault.edit or commands):
            return f"the advice is not {fault.advised!r} or a command:\n{bad}"
        # A command alone is the first thing to try; with an edit, it is the last thing to do.
        problem = self.do(f"{fault.edit}\n{commands[-1] if commands else ''}" if fault.edit else commands[0])
        return problem or self._rest(fault, bad)

    def _rest(self, fault: Fault, before: str) -> str:
        """Follow the advice of the lines that still report something, once; then everything must be ok."""
        left = self._left(fault)
        for command in dict.fromkeys(command for check in left.values() for command in commands_in(check["fix"])[:1]):
            self.do(command)
        if left:
            left = self._left(fault)
        return f"\nbefore: {before}\nafter: {left}" if left else ""

    def _left(self, fault: Fault) -> dict[str, dict[str, str]]:
        report = self.examine()
        said_before = fault.told in report.checks.get(fault.line, {"detail": ""})["detail"]
        allowed = self.usual | ({fault.leaves} if not said_before else set())
        return {name: check for name, check in report.bad.items() if name not in allowed}
