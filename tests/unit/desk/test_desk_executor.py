"""What is sent, and when not: the journal comes first, and a closed gate stays closed for what waited."""

from __future__ import annotations

import asyncio

import pytest
from desk_fakes import CANCEL, FakeFeed, FakeJournal, FakeVenue, an_order

from kalshi_tui.desk.executor import Executor
from kalshi_tui.desk.loop import instant
from kalshi_tui.protocol import effects as ef
from kalshi_tui.protocol import events as ev
from kalshi_tui.protocol.commands import Ack


class Bench:
    """An executor with everything around it faked, running."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.journal = FakeJournal(self.log)
        self.venue = FakeVenue(self.log)
        self.feed = FakeFeed(self.log)
        self.events: list[ev.KernelEvent] = []
        self.local: list[object] = []
        self.lost: list[str] = []
        self.executor = Executor(
            self.journal,
            self.venue,
            self.feed,
            self.events.append,
            self.local.append,
            self.lost.append,
            instant,
        )

    async def __aenter__(self) -> Bench:
        self.task = asyncio.create_task(self.executor.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.executor.close()

    async def carry_out(self, effects: list[ef.Effect]) -> None:
        self.executor.submit(effects)
        await self.executor.settle()


def row(number: int) -> ef.Journal:
    return ef.Journal("intent", {"client_order_id": str(number)})


async def test_rows_are_durable_before_the_order_leaves_and_order_is_kept() -> None:
    async with Bench() as bench:
        bench.executor.submit([row(1), CANCEL, ef.CreateOrder(an_order("1"))])
        await bench.carry_out([row(2), ef.CreateOrder(an_order("2")), ef.RequestSnapshots(1, 2, ("A",))])
    assert bench.log[0] == "durable 1 2"
    calls = [line for line in bench.log[1:] if not line.startswith("snapshots")]
    assert calls == ["cancel v9", "create 1", "create 2"]
    assert "snapshots A" in bench.log
    assert [type(event).__name__ for event in bench.events] == [
        "CancelAccepted", "CreateAccepted", "CreateAccepted",
    ]  # fmt: skip


async def test_an_order_that_waited_for_its_row_is_not_sent_after_a_stop() -> None:
    async with Bench() as bench:
        bench.journal.delay = 0.05
        bench.executor.submit([row(1), ef.CreateOrder(an_order("1")), CANCEL])
        await asyncio.sleep(0.01)
        bench.executor.close_gate()
        await bench.carry_out([row(2), ef.CreateOrder(an_order("2"))])
    assert [line for line in bench.log if line.startswith("create")] == ["create 2"]
    assert "cancel v9" in bench.log
    refused = [event for event in bench.events if isinstance(event, ev.CreateRefused)]
    assert [(event.client_order_id, event.error.code) for event in refused] == [("1", "not_sent")]


async def test_an_order_about_to_leave_is_taken_back_by_a_stop() -> None:
    async with Bench() as bench:
        bench.venue.hesitation = 0.05
        bench.executor.submit([row(1), ef.CreateOrder(an_order("1"))])
        await asyncio.sleep(0.02)
        bench.executor.close_gate()
        await bench.executor.settle()
    assert not [line for line in bench.log if line.startswith("create")]
    assert isinstance(bench.events[0], ev.CreateRefused)


async def test_without_a_journal_nothing_is_sent_but_cancels() -> None:
    async with Bench() as bench:
        bench.journal.broken = True
        amend = ef.AmendOrder("v9", "9", "A", an_order("9").side, 4400, 100, None, 0, "")
        await bench.carry_out([row(1), ef.CreateOrder(an_order("1")), amend, CANCEL])
        await bench.carry_out([ef.CreateOrder(an_order("2")), CANCEL])
    assert bench.log == ["cancel v9", "cancel v9"]
    assert len(bench.lost) == 1 and "the journal cannot be written" in bench.lost[0]
    assert [type(event).__name__ for event in bench.events].count("CreateRefused") == 2


async def test_a_call_that_breaks_leaves_the_order_unknown_not_lost() -> None:
    async with Bench() as bench:
        bench.venue.broken = True
        await bench.carry_out([ef.CreateOrder(an_order("1")), CANCEL, ef.ReadBalance()])
    assert [type(event).__name__ for event in bench.events] == [
        "CreateUnknown",
        "CancelUnknown",
        "ReadFailed",
    ]


async def test_one_read_of_a_kind_at_a_time() -> None:
    async with Bench() as bench:
        bench.venue.delay = 0.02
        await bench.carry_out([ef.ReadBalance(), ef.ReadBalance(), ef.ReadOrders(), ef.ReadOrders(False, 5)])
        await bench.carry_out([ef.ReadBalance()])
    assert bench.log == ["balance", "orders True None", "orders False 5", "balance"]


async def test_answers_and_reports_go_to_the_desk_itself() -> None:
    async with Bench() as bench:
        effects: list[ef.Effect] = [ef.Answer(1, Ack(1, True)), ef.Report("state", {}), ef.EndDesk("", 0)]
        await bench.carry_out(effects)
    assert bench.local == effects


@pytest.mark.parametrize("why", ["the desk has ended"])
async def test_a_shut_executor_sends_no_order_ever_again(why: str) -> None:
    async with Bench() as bench:
        bench.executor.shut(why)
        await bench.carry_out([ef.CreateOrder(an_order("1")), CANCEL])
    assert bench.log == ["cancel v9"]
    assert isinstance(bench.events[0], ev.CreateRefused) and why in bench.events[0].error.message
