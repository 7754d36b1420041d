"""The command ``kalshi-tui``: which command, and how an error becomes one sentence and an exit code.

Commands are imported when they are used: ``--version`` and completion load nothing of the rest.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys

import click

from kalshi_tui import __version__
from kalshi_tui.cli.interrupts import INTERRUPTED, raised

PROGRAM = "kalshi-tui"
DEFAULT = "run"
COMMANDS = {
    # name: (module, attribute)
    "run": ("run", "run"),
    "attach": ("attach", "attach"),
    "status": ("lists", "status"),
    "positions": ("lists", "positions"),
    "orders": ("lists", "orders"),
    "alerts": ("lists", "alerts"),
    "hold": ("stops", "hold"),
    "pull": ("stops", "pull"),
    "flatten": ("stops", "flatten"),
    "kill": ("stops", "kill"),
    "clear": ("stops", "clear"),
    "stop": ("stops", "stop"),
    "exchange": ("exchange", "exchange"),
    "replay": ("replay", "replay"),
    "calibrate": ("calibrate", "calibrate"),
    "relations": ("relations", "relations"),
    "doctor": ("doctor", "doctor"),
    "config": ("config", "config"),
    "keys": ("keys", "keys"),
    "codes": ("codes", "codes"),
    "themes": ("themes", "themes"),
    "completion": ("completion", "completion"),
    "desk-process": ("desk_process", "desk_process"),
}
EPILOG = """\b
Exit codes: 0 ok, 1 error, 2 usage or configuration, 3 authentication,
4 feed lost, 5 stopped by risk or kill, 130 interrupted, 143 terminated."""


class Program(click.Group):
    """A group that loads a command when it is named, and runs ``run`` when none is."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"kalshi_tui.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        raised()  # a command has its own way out
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "-V", "--version")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EPILOG,
)
@click.version_option(__version__, "-V", "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
def program() -> None:
    """A terminal trading workstation for Kalshi. Without a command it is `run`: the practice exchange opens
    and nothing is quoted until you say so."""


def usage_sentence(error: click.UsageError) -> str:
    """A mistake in the command line in one line, and where to read on."""
    from kalshi_tui.protocol.text import safe_text

    said = str(safe_text(error.format_message(), 300)).rstrip(".?")
    where = error.ctx.command_path if error.ctx is not None else PROGRAM
    return f"{said[:1].lower()}{said[1:]}; `{where} -h` shows what there is."


def main() -> None:
    """Run and exit. Nothing that goes wrong shows a traceback."""
    os.umask(0o077)
    # Many small matrices: threads that wait for each other cost far more than they give, and they stall a desk.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = program.main(prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        if isinstance(error, click.UsageError):
            click.echo(f"{PROGRAM}: {usage_sentence(error)}", err=True)
        else:
            error.show()
        # Ours carry a code of their own; click's are mistakes in the command line.
        code = getattr(error, "code", error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to be said to anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except Exception as error:  # noqa: BLE001  the last line of defence: a sentence, details in a file
        from kalshi_tui.cli.common import unexpected

        code = unexpected(error)
    sys.exit(code if isinstance(code, int) else 0)
