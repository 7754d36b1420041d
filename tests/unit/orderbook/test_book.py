"""One book: both legs as one ladder, exact, always knowing its best prices."""

from __future__ import annotations

import pytest

from book_changes import change
from kalshi_tui.orderbook.book import Book
from kalshi_tui.orderbook.memo import _MOST_COUNTS, COUNTS, BookFault, LevelMemo, level_memo, read_count
from kalshi_tui.protocol.ticks import TickGrid
from kalshi_tui.protocol.units import Side

CENT = TickGrid.named("linear_cent")
TAPERED = TickGrid.named("tapered_deci_cent")


def book_of(*, use_yes_price: bool = False, grid: TickGrid = CENT) -> Book:
    book = Book("A", grid, use_yes_price)
    no = [("0.5500", "3.00"), ("0.5000", "8.00")]
    if use_yes_price:
        no = [("0.4500", "3.00"), ("0.5000", "8.00")]
    book.replace(book.read([("0.0100", "9.00"), ("0.4000", "10.00"), ("0.4100", "5.37")], no))
    return book


@pytest.mark.parametrize("use_yes_price", [False, True])
def test_both_legs_are_one_book(use_yes_price: bool) -> None:
    book = book_of(use_yes_price=use_yes_price)
    assert (book.best_bid, book.bid_size, book.best_ask, book.ask_size) == (4100, 537, 4500, 300)
    assert book.levels(Side.BID) == [(4100, 537), (4000, 1000), (100, 900)]
    assert book.levels(Side.ASK) == [(4500, 300), (5000, 800)]
    assert book.levels(Side.BID, 2) == [(4100, 537), (4000, 1000)]
    assert book.levels(Side.ASK, 0) == []
    assert (book.size_at(Side.BID, 4000), book.size_at(Side.BID, 4050), book.size_at(Side.ASK, 4000)) == (
        1000,
        0,
        0,
    )
    assert not book.crossed and not book.empty


def test_a_change_on_the_no_leg_is_one_of_asks() -> None:
    book = book_of()
    change(book, "no", "0.5600", "2.00")
    assert (book.best_ask, book.ask_size) == (4400, 200)
    change(book, "no", "0.5600", "-2.00")
    assert (book.best_ask, book.ask_size) == (4500, 300)
    change(book, "no", "0.56", "0.00")
    assert book.best_ask == 4500


def test_best_prices_follow_the_touch_down_to_nothing() -> None:
    book = book_of()
    for price, count in book.levels(Side.BID):
        assert (book.best_bid, book.bid_size) == (price, count)
        change(book, "yes", f"0.{price:04d}", f"-{count / 100:.2f}")
    assert (book.best_bid, book.bid_size) == (None, 0)
    for price, count in book.levels(Side.ASK):
        assert (book.best_ask, book.ask_size) == (price, count)
        change(book, "no", f"0.{10_000 - price:04d}", f"-{count / 100:.2f}")
    assert (book.best_ask, book.ask_size) == (None, 0)
    assert book.empty and not book.crossed
    assert book.state() == ((), ())
    assert book.depth(Side.BID, 5) == book.depth(Side.ASK, 5) == 0


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (("yes", "0.4100", "-5.38"), "negative"),
        (("yes", "0.2000", "-0.01"), "negative"),
        (("no", "0.5500", "-4.00"), "negative"),
        (("yes", "0.4150", "1.00"), "off grid"),
        (("yes", "0.0000", "1.00"), "off grid"),
        (("no", "1.0000", "1.00"), "off grid"),
        (("yes", "NaN", "1.00"), "bad frame"),
        (("yes", "-0.01", "1.00"), "bad frame"),
        (("yes", "0.42000001", "1.00"), "bad frame"),
        (("yes", "0.4100", "1e30"), "bad frame"),
        (("no", "0.4100", "0.001"), "bad frame"),
    ],
)
def test_what_can_not_be_true_is_refused_and_changes_nothing(said: tuple[str, str, str], word: str) -> None:
    book = book_of()
    before = book.state()
    with pytest.raises(BookFault) as caught:
        change(book, *said)
    assert caught.value.word == word
    assert book.state() == before
    assert (book.best_bid, book.best_ask) == (4100, 4500)


@pytest.mark.parametrize(
    ("levels", "word"),
    [
        ([("0.40", "1"), ("0.4000", "2")], "bad frame"),
        ([("0.40", "-1")], "negative"),
        ([("0.405", "1")], "off grid"),
    ],
)
def test_a_snapshot_that_can_not_be_true(levels: list[tuple[str, str]], word: str) -> None:
    with pytest.raises(BookFault) as caught:
        book_of().read(levels, None)
    assert caught.value.word == word


def test_a_snapshot_replaces_everything() -> None:
    book = book_of()
    book.replace(book.read([("0.30", "1"), ("0.31", "0.00")], None))
    assert book.state() == (((3000, 100),), ())
    assert (book.best_bid, book.best_ask) == (3000, None)
    assert book.holds(book.read([("0.3000", "1.00")], []))
    assert not book.holds(book.read([("0.3000", "1.01")], []))
    assert not book.holds(book.read([("0.3000", "1.00")], [("0.01", "1")]))
    change(book, "yes", "0.30", "1.00")
    assert book.bid_size == 200


def test_depth_counts_levels_of_the_grid() -> None:
    book = book_of()
    assert [book.depth(Side.BID, d) for d in (0, 1, 40, 99)] == [537, 1537, 2437, 2437]
    assert [book.depth(Side.ASK, d) for d in (0, 4, 5, 99)] == [300, 300, 1100, 1100]


def test_the_top_without_our_own() -> None:
    book = book_of()
    assert book.top_without({}) == (4100, 537, 4500, 300)
    assert book.top_without({(Side.BID, 4100): 500, (Side.ASK, 4500): 300}) == (4100, 37, 5000, 800)
    own = {(Side.BID, 4100): 9999, (Side.BID, 4000): 1000, (Side.BID, 100): 900}
    assert book.top_without(own) == (None, 0, 4500, 300)
    assert book.top_without({(Side.ASK, 4100): 537}) == (4100, 537, 4500, 300)


def test_crossed_and_locked() -> None:
    book = book_of()
    change(book, "no", "0.5900", "1.00")
    assert (book.best_bid, book.best_ask, book.crossed) == (4100, 4100, True)
    change(book, "no", "0.5900", "-1.00")
    assert not book.crossed


def test_moving_to_another_grid() -> None:
    book = book_of()
    finer = book.on_grid(TAPERED)
    assert finer.state() == book.state()
    change(finer, "yes", "0.0990", "1.00")
    with pytest.raises(BookFault, match="not on the new grid"):
        finer.on_grid(CENT)


def test_the_memos_are_shared_and_bounded() -> None:
    assert level_memo(CENT, False) is level_memo(TickGrid.of([(0, 10_000, 100)]), False)
    memo = LevelMemo(CENT, False)
    for zeros in range(5):
        for cents in range(1, 100):
            memo.read(f"0.{cents:02d}" + "0" * zeros)
            with pytest.raises(BookFault):
                memo.read(f"0.{cents:02d}5")
    assert len(memo.known) == 5 * CENT.size
    for n in range(_MOST_COUNTS + 10):
        assert read_count(f"{n}.01") == n * 100 + 1
    assert len(COUNTS) <= _MOST_COUNTS
