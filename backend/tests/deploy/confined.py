"""Run a program under the restrictions of the unit that need no systemd: `confined.py FILE-OF-SYSTEM-CALLS COMMAND…`.

Only the system calls named in the file are allowed, and no memory may become executable.
"""

import ctypes
import os
import sys
from pathlib import Path

ALLOW, REFUSE_WITH_EPERM = 0x7FFF0000, 0x00050000 | 1
NO_NEW_PRIVILEGES, NO_EXECUTABLE_MEMORY = 38, 65


def main(names: list[str], command: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for option in (NO_NEW_PRIVILEGES, NO_EXECUTABLE_MEMORY):
        if libc.prctl(option, 1, 0, 0, 0) != 0:
            sys.exit(f"The kernel refused option {option}: {os.strerror(ctypes.get_errno())}")
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(REFUSE_WITH_EPERM)))
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            seccomp.seccomp_rule_add(rules, ctypes.c_uint32(ALLOW), number, 0)
    if seccomp.seccomp_load(rules) != 0:
        sys.exit("The kernel did not take the list of system calls.")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text().split(), sys.argv[2:])
