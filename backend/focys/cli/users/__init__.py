"""``focys users``: creates, imports, lists and manages accounts."""

from focys.cli.app import new_app
from focys.cli.users.create import create
from focys.cli.users.delete import delete
from focys.cli.users.disable import disable, enable
from focys.cli.users.importing import import_accounts
from focys.cli.users.listing import list_accounts
from focys.cli.users.password import set_password
from focys.cli.users.rename import rename
from focys.cli.users.reset_mfa import reset_mfa
from focys.cli.users.set_email import set_email
from focys.cli.users.show import show
from focys.cli.users.unlock import unlock

app = new_app("Create, import, list and manage accounts.")
app.command()(create)
app.command("import")(import_accounts)
app.command("list")(list_accounts)
app.command()(show)
app.command()(unlock)
app.command("reset-mfa")(reset_mfa)
app.command("set-password")(set_password)
app.command("set-email")(set_email)
app.command()(rename)
app.command()(disable)
app.command()(enable)
app.command()(delete)

__all__ = ["app"]
