"""``kalshi-tui codes``: what the codes of refused orders and the exit codes mean."""

from __future__ import annotations

import click

from kalshi_tui.cli.common import emit, json_option


@click.command()
@json_option
def codes(as_json: bool) -> None:
    """What the codes in `risk_refusals` mean, and the exit codes."""
    from kalshi_tui.desk import exit_codes
    from kalshi_tui.protocol import refusals

    rows = [("refusal", code, meaning) for code, meaning in refusals.MEANING.items()]
    rows += [("exit", str(code), meaning) for code, meaning in exit_codes.MEANING.items()]
    if as_json:
        for kind, code, meaning in rows:
            emit("code", {"kind": kind, "code": code, "meaning": meaning})
        return
    width = max(len(code) for _, code, _ in rows)
    for kind, code, meaning in rows:
        click.echo(f"{kind:<7}  {code:<{width}}  {meaning}")
