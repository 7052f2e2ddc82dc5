"""``focys completion``: prints the script that lets a shell complete commands and options."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]  # no other public name

_VARIABLE = "_FOCYS_COMPLETE"


class Shell(StrEnum):
    """The shells with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", show_default=False)],
) -> None:
    """Print the script that lets a shell complete commands and options.

    Example: [bold]focys completion bash > /etc/bash_completion.d/focys[/]

    Example: [bold]focys completion zsh > ~/.zfunc/_focys[/]

    Example: [bold]focys completion fish > ~/.config/fish/completions/focys.fish[/]
    """
    print(get_completion_script(prog_name="focys", complete_var=_VARIABLE, shell=shell))


def answer_shells() -> None:
    """Let the program answer the questions that these scripts ask it."""
    completion_init()
