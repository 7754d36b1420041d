"""Making a desk out of its parts: boot is recovery, there is no other path in.

Order: journal opened and verified, stops put back in force, key and limits proved by a signed read, markets loaded;
then the desk lives, and its kernel reads orders, fills, positions and balance before anything may be sent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random, SystemRandom

import msgspec
from msgspec import Struct

from kalshi_tui import __version__
from kalshi_tui.desk import allocator, exit_codes, stops_file
from kalshi_tui.desk.life import live
from kalshi_tui.desk.loop import Core, Desk, DeskFacts, Parts, instant
from kalshi_tui.desk.output import Output
from kalshi_tui.desk.paper import PaperKernel
from kalshi_tui.desk.plan import Plan
from kalshi_tui.execution.paper import PaperParams, PaperVenue
from kalshi_tui.kernel.kernel import Kernel
from kalshi_tui.kernel.relations_links import PRACTICE
from kalshi_tui.kernel.settings import KernelSettings
from kalshi_tui.locations import next_latches, tapes_dir
from kalshi_tui.orderbook.feed import BookFeed
from kalshi_tui.pricing.base import QuoteParams, parameter_models
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol.events import BudgetRead, MarketsRead, ReadFailed
from kalshi_tui.protocol.market import MarketStatus
from kalshi_tui.protocol.units import MILLISECOND, SECOND
from kalshi_tui.risk.chain import RiskParams
from kalshi_tui.storage.journal import Journal
from kalshi_tui.storage.journal_db import Entry, JournalError, trusted_rows
from kalshi_tui.storage.latches import LatchError, LatchFile
from kalshi_tui.storage.tape import Tape
from kalshi_tui.storage.tape_rows import TapeStart
from kalshi_tui.venue.client import VenueClient
from kalshi_tui.venue.hosts import WS_PATH, Endpoints, HostError, endpoints
from kalshi_tui.venue.signer import KeyFileError, Signer
from kalshi_tui.venue.transport import Transport
from kalshi_tui.ws_ingest.feed import FeedClient

log = logging.getLogger(__name__)

CHECK_EVERY = 4 * SECOND
"""Every followed book is compared with the exchange's own at least this often."""
DETACHED_HOLD_S = 10
"""Demo and prod: quotes are pulled this long after nobody can see them any more."""
RETIRE_AFTER_S = 600
"""As long as the list of markets shows one that has closed and holds nothing."""
DAY = "day"
"""Kind of the journal's rows that hold the state of the day's loss engine."""
OVER = (MarketStatus.DETERMINED, MarketStatus.AMENDED, MarketStatus.FINALIZED)


class DeskStartError(Exception):
    """What keeps the desk from starting, in a sentence; ``code`` is the exit code for it."""

    def __init__(self, sentence: str, code: int = exit_codes.ERROR) -> None:
        super().__init__(sentence)
        self.code = code


class Endpoint(Struct, frozen=True):
    """Where the venue is and who we are there. Empty addresses are the venue's own."""

    rest: str
    ws: str
    key_id: str
    key_file: str


class _Rows:
    """The journal as the executor wants it: rows stamped as they are written."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def append(self, rows: Sequence[ef.Journal]) -> None:
        at = instant()
        await self._journal.append([Entry(at.wall, at.mono, row.kind, row.payload) for row in rows])


class _FollowedVenue(VenueClient):
    """The venue of a desk that follows only some markets: others that appear are not taken up."""

    def __init__(self, transport: Transport, only: Sequence[str]) -> None:
        super().__init__(transport)
        self._only = frozenset(only)

    async def read_markets(self, tickers: Sequence[str]) -> MarketsRead | ReadFailed:
        followed = [ticker for ticker in tickers if not self._only or ticker in self._only]
        if not followed:
            return MarketsRead(instant(), ())
        return await super().read_markets(followed)


async def run_desk(
    plan: Plan, endpoint: Endpoint, on_step: Callable[[str], None], on_ready: Callable[[str], None]
) -> int:
    """The desk of this plan, from nothing to its end; the exit code. ``DeskStartError`` before it lives."""
    allocator.settle()
    boot = family_of(plan) + secrets.token_hex(4)
    async with AsyncExitStack() as stack:
        where, signer = _venue_of(plan, endpoint)
        stack.callback(signer.close)
        journal = await _journal(plan, boot)
        stack.push_async_callback(journal.close)
        transport = Transport(where, signer, instant)
        stack.push_async_callback(transport.close)
        venue = _FollowedVenue(transport, plan.markets)
        on_step("reading account and markets")
        budget, markets = await _first_reads(plan, venue)

        kernel, keeper = await _kernel(plan, boot, journal)
        followed: list[str] = []

        def after_turn() -> None:
            nonlocal followed
            if (now_wanted := wanted(kernel)) != followed:
                followed = now_wanted
                feed.want(followed)
            try:
                keeper.keep(instant().wall)
            except LatchError as error:
                log.error("%s", error)

        tape = _tape(plan, boot) if plan.record else None
        if tape is not None:
            stack.push_async_callback(asyncio.to_thread, tape.close)
        paper = None
        core: Core = kernel
        if plan.execution == "paper":
            paper = PaperVenue(PaperParams(cash=plan.bankroll))
            core = PaperKernel(kernel, paper, tape.kernel_event if tape is not None else lambda event: None)
        desk = Desk(_facts(plan), core, after_turn)
        feed = FeedClient(
            where.ws,
            _feed_headers(signer, transport),
            desk.receive,
            instant,
            Random(SystemRandom().getrandbits(64)),
            tape=tape,
            backlog=lambda: desk.backlog,
        )
        loop = asyncio.get_running_loop()
        output = None
        if plan.headless:
            why = "stdout was closed"
            output = Output.standard(lambda: loop.call_soon_threadsafe(desk.end, exit_codes.ERROR, why))
        desk.attach(Parts(_Rows(journal), venue, feed, feed.run, tape, paper, output))
        try:
            return await live(desk, [budget, markets], boot, lambda: on_ready(str(desk.facts.socket)))
        finally:
            if output is not None:
                await asyncio.to_thread(output.close)


def _tape(plan: Plan, boot: str) -> Tape:
    start = TapeStart(session=boot, program=f"kalshi-tui {__version__}", venue=plan.venue)
    return Tape(tapes_dir() / plan.venue, start, cap=plan.record_gib * 1024**3)


def family_of(plan: Plan) -> str:
    """What all client order ids of this desk begin with, whichever boot: from its folder's digest."""
    return f"kt{plan.folder.path.name.rpartition('-')[2][:6]}"


async def _kernel(plan: Plan, boot: str, journal: Journal) -> tuple[Kernel, stops_file.LatchKeeper]:
    """The core, with the stops of the last desk in force, and what keeps them for the next one."""
    latch_file = LatchFile(plan.folder.latches)
    try:
        recorded = stops_file.take_over(next_latches(plan.venue), latch_file, instant().wall)
    except LatchError as error:
        raise DeskStartError(str(error)) from None
    if latch_file.broken:
        log.error("%s", latch_file.broken)
    # Engines that a kill switched off stay off until a person switches them on: --quote is from before it.
    quote = plan.quote and not stops_file.is_killed(recorded)
    books = BookFeed(use_yes_price=True, check_every=CHECK_EVERY)
    kernel = Kernel(_settings(plan, boot, quote), books, instant(), await _saved_day(plan, journal))
    stops_file.restore(recorded, kernel.state.gate.latches)
    keeper = stops_file.LatchKeeper(latch_file, kernel.state.gate.latches)
    return kernel, keeper


def wanted(kernel: Kernel) -> list[str]:
    """Markets whose feed is wanted: all that are not over."""
    return [market.ticker for market in kernel.state.markets.values() if market.facts.status not in OVER]


def _venue_of(plan: Plan, endpoint: Endpoint) -> tuple[Endpoints, Signer]:
    try:
        where = endpoints(plan.venue, endpoint.rest, endpoint.ws)
    except HostError as error:
        raise DeskStartError(str(error), exit_codes.USAGE) from None
    try:
        return where, Signer.load(endpoint.key_id, Path(endpoint.key_file))
    except KeyFileError as error:
        raise DeskStartError(str(error), exit_codes.AUTHENTICATION) from None


async def _journal(plan: Plan, boot: str) -> Journal:
    try:
        journal = await Journal.open(plan.folder.journal, boot, __version__, instant())
        if journal.quarantined is not None:
            log.error("the journal was damaged (%s); it is kept as %s", journal.fault, journal.quarantined)
        at = instant()
        plain = msgspec.to_builtins(plan) | {"key_id": "", "pid": os.getpid()}
        await journal.append([Entry(at.wall, at.mono, "boot", plain)])
    except JournalError as error:
        raise DeskStartError(str(error)) from None
    return journal


async def _saved_day(plan: Plan, journal: Journal) -> dict[str, object] | None:
    """What the day's loss engine remembers of this account; nothing for a world that is new at every boot."""
    if plan.embedded:
        return None
    rows = await journal.rows([DAY])
    if rows:
        return msgspec.json.decode(rows[-1].payload, type=dict[str, object])
    if not journal.fault:
        return None
    # What stood behind the damage may have been a halt: a person looks at the day before it goes on.
    if journal.quarantined is not None:
        rows = [row for row in trusted_rows(journal.quarantined) if row.kind == DAY]
    day = msgspec.json.decode(rows[-1].payload, type=dict[str, object]) if rows else {}
    return day | {"state": "halt", "why": "the journal was damaged; check the day's losses, then clear"}


async def _first_reads(plan: Plan, venue: VenueClient) -> tuple[BudgetRead, MarketsRead]:
    """The account's limits (which prove the key) and the markets to follow."""
    budget = await venue.read_budget()
    if isinstance(budget, ReadFailed):
        raise _refused(plan, budget)
    markets = await (venue.read_markets(plan.markets) if plan.markets else venue.load_universe())
    if isinstance(markets, ReadFailed):
        raise _refused(plan, markets)
    there = {market.ticker for market in markets.markets}
    missing = [ticker for ticker in plan.markets if ticker not in there]
    if missing:
        raise DeskStartError(f"{', '.join(missing)}: no such market on {plan.venue}.", exit_codes.USAGE)
    if not there:
        raise DeskStartError(f"{plan.venue} has no open market.")
    return budget, markets


def _refused(plan: Plan, failed: ReadFailed) -> DeskStartError:
    error = failed.error
    if error.status in (401, 403):
        return DeskStartError(
            f"{plan.venue} refuses this key (HTTP {error.status}, {error.code}): check the key id, that key and "
            "venue belong together, and this machine's clock.",
            exit_codes.AUTHENTICATION,
        )
    return DeskStartError(f"reading {failed.what} from {plan.venue} failed: {error.said}.")


def _settings(plan: Plan, boot: str, quote: bool) -> KernelSettings:
    models = parameter_models()
    params: dict[str, QuoteParams] = {
        name: msgspec.convert(values, models[name]) for name, values in plan.engine_params.items()
    }
    pulls = plan.venue != "practice" and not plan.unattended
    return KernelSettings(
        venue=plan.venue,
        execution=plan.execution,
        mode=plan.mode,
        boot=boot,
        family=family_of(plan),
        risk=RiskParams.from_bankroll(plan.bankroll),
        default_engine=plan.engine,
        engines=plan.engines,
        quote_at_start=quote,
        engine_params=params,
        calibrations=plan.calibrations,
        prints=plan.prints,
        retire_after_s=RETIRE_AFTER_S,
        relations=(*plan.relations, *(PRACTICE if plan.venue == "practice" else ())),
        detached_hold_s=DETACHED_HOLD_S if pulls else None,
    )


def _facts(plan: Plan) -> DeskFacts:
    folder = plan.folder
    return DeskFacts(
        venue=plan.venue,
        execution=plan.execution,
        mode=plan.mode,
        socket=folder.socket,
        kill_file=folder.kill_file,
        headless=plan.headless,
        json=plan.json,
        seconds=plan.seconds,
        refresh_hz=plan.refresh_hz,
    )


def _feed_headers(signer: Signer, transport: Transport) -> Callable[[], Awaitable[Mapping[str, str]]]:
    async def headers() -> Mapping[str, str]:
        wall_ms = transport.offset.apply(instant().wall // MILLISECOND)
        return await signer.sign("GET", WS_PATH, wall_ms)

    return headers
