"""``focys keys``: re-encrypts what SECRET_KEY protects."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from focys.cli.app import new_app
from focys.cli.console import err, fail, out, success
from focys.cli.operator import run
from focys.features.totp import Rotation
from focys.infra.web.caller import Caller
from focys.services import Services

app = new_app("Re-encrypt the stored secrets under a new SECRET_KEY.")


@app.callback()
def keys() -> None:
    """Re-encrypt the stored secrets under a new SECRET_KEY."""


@app.command()
def rotate() -> None:
    """Re-encrypt every TOTP secret that is not under the newest key. Safe while people sign in, and to repeat.

    First move the old key to SECRET_KEY_FALLBACKS, set the new one as SECRET_KEY, and restart every worker.

    Example: [bold]focys keys rotate[/]
    """

    async def act(services: Services, operator: Caller) -> Rotation:
        columns = (TextColumn("Secrets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
            task = bar.add_task("", total=None)
            return await services.administration.rotate_keys(
                operator, lambda seen, total: bar.update(task, completed=seen, total=total)
            )

    rotation = run(act)
    success(_moved(rotation.reencrypted))
    for key_id in rotation.unneeded:
        out.print(f"  No secret needs the key {key_id} in SECRET_KEY_FALLBACKS any more.")
    if rotation.unneeded:
        out.print("  Remove it once the workers have run with the new key for 24 hours, so that no session needs it.")
    if rotation.unreadable:
        kept = f"Keep the key {', '.join(rotation.needed)} until then." if rotation.needed else ""
        whose = "1 account" if rotation.unreadable == 1 else f"{rotation.unreadable} accounts"
        fail(
            f"The secrets of {whose} could not be decrypted and were left unchanged.",
            "If a key is missing, add it to SECRET_KEY_FALLBACKS and run this again;",
            "otherwise the owners need a backup code, or focys users reset-mfa EMAIL.",
            *filter(None, [kept]),
        )


def _moved(count: int) -> str:
    match count:
        case 0:
            return "There was nothing to re-encrypt."
        case 1:
            return "Moved 1 secret to the newest key."
        case _:
            return f"Moved {count} secrets to the newest key."
