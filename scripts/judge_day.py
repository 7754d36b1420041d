"""Run the desk through a day of the practice exchange and judge it by the exchange's own record.

python scripts/judge_day.py [--engine m0|m1|m2|m3|mix] [--scenario cpi-day] [--seed 7] [--for 5m] [--keep FOLDER]

An exchange process of its own, a desk on the command line as a trader starts it, and beside them a reader of the
same account. The verdicts rest on the exchange's orders, fills, positions and calendar; from the desk come only
its journal (what each order was judged by, when a market left its window) and the last line it prints.
Exit code 1 when a clause does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from day_verdicts import Body, Day, judged

from kalshi_tui.protocol.units import MILLISECOND
from kalshi_tui.storage.journal_db import trusted_rows
from kalshi_tui.venue.signer import Signer

COMMAND = [sys.executable, "-m", "kalshi_tui"]
MIX = """[engines.markets]
PRCPI = "m1"
PRCPIBR = "m2"
PRFEDDEC = "m3"
"PRCPI-26NOV-T0.2" = "m0"
"PRCPI-26NOV-T0.4" = "m3"
"PRCPIBR-26NOV-B0.3" = "m0"
"PRFEDDEC-26DEC-H0" = "m2"
"""


class Eye:
    """Our own look at the exchange: signed reads of the desk's account, nothing of the desk's between."""

    def __init__(self, ready: Body) -> None:
        self._signer = Signer.load(ready["key_id"], Path(ready["key_file"]))
        self._base = urlsplit(ready["rest"]).path
        self._http = httpx.Client(base_url=ready["rest"], timeout=10.0)

    def read(self, path: str, **query: str) -> list[Body]:
        """Every row of the first list in the answer, all its pages."""
        rows: list[Body] = []
        cursor = ""
        while True:
            headers = self._signer.headers("GET", self._base + path, time.time_ns() // MILLISECOND)
            params = {"limit": "500", "cursor": cursor} | query
            body = self._http.get(path, params=params, headers=headers).raise_for_status().json()
            rows += next(value for value in body.values() if isinstance(value, list))
            cursor = body.get("cursor") or ""
            if not cursor:
                return rows


def run_day(options: argparse.Namespace, home: Path) -> Day:
    """The exchange, the desk, and our look at both until the desk has ended."""
    env = os.environ | {"HOME": str(home)}
    serve = [*COMMAND, "exchange", "--scenario", options.scenario, "--seed", str(options.seed)]
    exchange = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert exchange.stdout is not None
        ready = json.loads(exchange.stdout.readline())
        eye = Eye(ready)
        (home / "mix.toml").write_text(MIX)
        engine = f"--config={home / 'mix.toml'}" if options.engine == "mix" else f"--engine={options.engine}"
        where = [f"--{name.replace('_', '-')}={ready[name]}" for name in ("rest", "ws", "key_id", "key_file")]
        command = [*COMMAND, "--no-ui", "--quote", "--json", f"--for={options.seconds}", engine, *where]
        started, looks = time.time_ns(), []
        with (home / "lines.json").open("w") as out, (home / "said.txt").open("w") as said:
            desk = subprocess.Popen(command, stdout=out, stderr=said, stdin=subprocess.DEVNULL, env=env)
            try:
                while desk.poll() is None:
                    looks.append((time.time_ns(), eye.read("/portfolio/orders", status="resting")))
                    time.sleep(1.0)
            finally:
                desk.kill()
        return told(desk.returncode, started, looks, home, eye)
    finally:
        exchange.terminate()
        exchange.wait(10)


def told(code: int, started: int, looks: list[tuple[int, list[Body]]], home: Path, eye: Eye) -> Day:
    """Everything both sides have on record once the desk has ended."""
    lines = (home / "lines.json").read_text().splitlines()
    intents: dict[str, Body] = {}
    states: dict[str, list[tuple[int, str]]] = {}
    for row in trusted_rows(next((home / ".local/state/kalshi-tui/desks").glob("*/journal.sqlite"))):
        fields = json.loads(row.payload)
        if row.kind == "intent":
            intents[fields["client_order_id"]] = fields | {"wall": row.wall}
        elif row.kind == "state":
            states.setdefault(fields["ticker"], []).append((row.wall, fields["state"]))
    prints = eye.read("/milestones", minimum_start_date="2020-01-01T00:00:00Z")
    markets = {market["ticker"]: market for market in eye.read("/markets")}
    orders, fills, positions = (eye.read(f"/portfolio/{name}") for name in ("orders", "fills", "positions"))
    return Day(
        code, json.loads(lines[-1]) if lines else {}, started, time.time_ns(), prints, markets, orders, fills,
        positions, looks, intents, states,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge a desk by the practice exchange's own record.")
    parser.add_argument("--engine", default="mix", choices=("m0", "m1", "m2", "m3", "mix"))
    parser.add_argument("--scenario", default="cpi-day")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--for", dest="seconds", default="5m", metavar="TIME")
    parser.add_argument("--keep", type=Path, help="folder for the desk's files, to look at afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="day") as scratch:
        home = options.keep or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        day = run_day(options, home)
    traded = f"{len(day.orders)} orders, {len(day.fills)} fills, {len(day.looks)} looks"
    print(f"{options.scenario}, seed {options.seed}, {options.engine}: {traded}")
    print(f"risk refused {json.dumps(day.summary.get('risk_refusals'))}")
    verdicts = list(judged(day))
    for clause, against in verdicts:
        print(f"{'FAILS' if against else 'holds'}  {clause}")
        for line in against[:10]:
            print(f"       {line}")
    return 1 if any(against for _, against in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
