"""``kalshi-tui completion``: the script that completes commands and options in your shell."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script of a shell; put `source <(kalshi-tui completion bash)` into its start
    file.
    """
    from click.shell_completion import get_completion_class

    from kalshi_tui.cli.main import PROGRAM, program

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(program, {}, PROGRAM, "_KALSHI_TUI_COMPLETE").source())
