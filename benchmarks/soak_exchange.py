"""The practice exchange with busier traders than the shipped one: ``python -m benchmarks.soak_exchange RATE SEED``.

Prints the exchange's ready line and serves until stdin ends.
"""

from __future__ import annotations

import asyncio
import shutil
import sys

import msgspec
from aiohttp import web

from kalshi_tui.practice.auth import make_key
from kalshi_tui.practice.exchange import Exchange
from kalshi_tui.practice.server import HOST, START_CASH, USER_ID, drive
from kalshi_tui.practice.service import Service
from kalshi_tui.practice.sockets import REST_ROOT, WS_PATH, make_app
from kalshi_tui.practice.world import World


async def serve(rate: float, seed: int) -> None:
    exchange = Exchange(seed=seed)
    service = Service(exchange)
    service.outside = World(exchange, seed, start=service.now(), rate=rate)
    service.open_account(USER_ID, START_CASH)
    pair = make_key("ed25519", USER_ID)
    service.admit(pair.api_key)
    runner = web.AppRunner(make_app(service), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    address = f"{HOST}:{runner.addresses[0][1]}"
    ready = {
        "type": "ready",
        "rest": f"http://{address}{REST_ROOT}",
        "ws": f"ws://{address}{WS_PATH}",
        "key_id": pair.api_key.key_id,
        "key_file": str(pair.path),
        "seed": seed,
    }
    print(msgspec.json.encode(ready).decode(), flush=True)
    driver = asyncio.create_task(drive(service))
    try:
        await asyncio.to_thread(sys.stdin.read)
    finally:
        driver.cancel()
        await runner.cleanup()
        shutil.rmtree(pair.path.parent, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), int(sys.argv[2])))
