"""What all commands have in common: no type next to flags in the help, and a hint after a misspelled command."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup, TyperOption

if TYPE_CHECKING:
    # Typer's own copy of click, which has no public name.
    from typer._click import Command, Context, Parameter


class Group(TyperGroup):
    """A group of commands."""

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """Return the group's own parameters."""
        return _flags_without_type(super().get_params(ctx))

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        """Return one of the commands, or None."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _flags_without_type(command.get_params(ctx))
        return command

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        """Return the command that *args* begin with; if there is none, fail and suggest the nearest one."""
        is_unknown = args and args[0] not in self.commands and not args[0].startswith("-")
        if is_unknown and not ctx.resilient_parsing:  # which a shell's completion asks for
            visible = [name for name, command in self.commands.items() if not command.hidden]
            nearest = get_close_matches(args[0], visible, n=1)
            hint = f" Did you mean '{' '.join([ctx.command_path, *nearest, *args[1:]])}'?" if nearest else ""
            ctx.fail(f"There is no command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


def new_app(purpose: str, *, name: str | None = None) -> typer.Typer:
    """Return an empty group of commands; *purpose* says what it is for."""
    return typer.Typer(
        name=name,
        help=purpose,
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,
    )


def _flags_without_type(parameters: "list[Parameter]") -> "list[Parameter]":
    """Remove the type of options that take no value."""
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
    return parameters
