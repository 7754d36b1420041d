"""Random lives of an exchange: contracts and cash are conserved, queues are fair, books never cross."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from practice_kit import NOW, Trader, exchange

from kalshi_tui.practice.matching import Order
from kalshi_tui.protocol.orders import SelfTradePrevention, TimeInForce
from kalshi_tui.protocol.units import DOLLAR, SECOND, Side

TICKERS = ("MKT-A", "MKT-B")
sides = st.sampled_from(list(Side))
tickers = st.sampled_from(TICKERS)
people = st.integers(0, 3)
cents = st.integers(45, 55)
counts = st.integers(1, 900)


class ExchangeLife(RuleBasedStateMachine):
    @initialize(maker_fees=st.booleans())
    def begin(self, maker_fees: bool) -> None:
        fee_type = "quadratic_with_maker_fees" if maker_fees else "quadratic"
        self.exchange = exchange(*TICKERS, fee_type=fee_type)
        self.people = [Trader(self.exchange, f"p{n}", 40) for n in range(3)]
        self.people.append(Trader(self.exchange, "house", None))
        self.now = NOW
        self.open = set(TICKERS)

    def _resting(self) -> list[tuple[Trader, Order]]:
        return [
            (person, order)
            for person in self.people
            for ticker in sorted(self.open)
            for order in self.exchange.orders_of(person.account, ticker)
        ]

    @rule(
        who=people,
        ticker=tickers,
        side=sides,
        price=cents,
        count=counts,
        time_in_force=st.sampled_from(list(TimeInForce)),
        stp=st.sampled_from(list(SelfTradePrevention)),
        post_only=st.booleans(),
        reduce_only=st.booleans(),
        lives=st.one_of(st.none(), st.integers(1, 5)),
    )
    def place(self, who: int, ticker: str, side: Side, price: int, count: int, **options: object) -> None:
        lives = options.pop("lives")
        gtc = options["time_in_force"] is TimeInForce.GTC
        if lives is not None and gtc:
            options["expiration_s"] = self.now // SECOND + int(str(lives))
        options["reduce_only"] = bool(options["reduce_only"]) and options["time_in_force"] is TimeInForce.IOC
        book = self.exchange.markets[ticker].book.side(side.opposite)
        queue = [order for order in book.orders() if book.reaches(order.price, price * 100)]
        before = {order.order_id: order.filled for order in queue}
        result = self.people[who].place(
            side, price, count / 100, ticker, now=self.now, stp=options.pop("stp"), **options
        )
        # Whoever stands behind somebody who still rests has traded nothing.
        behind = False
        for order in queue:
            assert not behind or order.filled == before[order.order_id]
            behind = behind or order.status == "resting"
        if result.order is not None:
            assert result.order.filled == sum(fill.count for fill in result.fills) <= count
            limit = price * 100 * side.sign
            assert all(fill.price * side.sign <= limit for fill in result.fills)

    @precondition(lambda self: self._resting())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        person, order = data.draw(st.sampled_from(self._resting()), label="order")
        left = order.remaining
        assert self.exchange.cancel(person.account, order.order_id, now=self.now)[0] == left

    @precondition(lambda self: self._resting())
    @rule(data=st.data(), price=cents, count=counts)
    def amend(self, data: st.DataObject, price: int, count: int) -> None:
        person, order = data.draw(st.sampled_from(self._resting()), label="order")
        ahead, was = self.exchange.ahead_of(order), (order.price, order.remaining)
        result = self.exchange.amend(
            person.account, order.order_id, order.ticker, order.side, price * 100, count, now=self.now
        )
        if order.status != "resting":
            return
        if result.error is not None or (order.price == was[0] and order.remaining <= was[1]):
            assert result.fills or self.exchange.ahead_of(order) == ahead
        else:
            level = dict(self.exchange.levels(order.ticker, order.side, 10_000))[order.price]
            assert self.exchange.ahead_of(order) == level - order.remaining

    @precondition(lambda self: self._resting())
    @rule(data=st.data(), by=st.integers(1, 400))
    def decrease(self, data: st.DataObject, by: int) -> None:
        person, order = data.draw(st.sampled_from(self._resting()), label="order")
        ahead, was = self.exchange.ahead_of(order), order.remaining
        self.exchange.decrease(person.account, order.order_id, now=self.now, reduce_by=by)
        assert order.remaining == max(0, was - by)
        if order.remaining:
            assert self.exchange.ahead_of(order) == ahead

    @rule(seconds=st.integers(1, 4))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.exchange.expire(self.now)
        assert all(o.expiration is None or o.expiration > self.now for _, o in self._resting())

    @precondition(lambda self: len(self.open) == 2)
    @rule(yes=st.booleans())
    def settle(self, yes: bool) -> None:
        ticker = "MKT-B"
        self.exchange.close_market(ticker, self.now)
        self.exchange.determine(ticker, "yes" if yes else "no", DOLLAR * yes, self.now)
        self.exchange.settle(ticker, self.now)
        self.open.discard(ticker)
        assert all(person.position(ticker) == 0 for person in self.people)

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "exchange"):
            return
        assert self.exchange.audit() == []
        for ticker in TICKERS:
            bid, ask = self.exchange.best(ticker)
            assert bid is None or ask is None or bid < ask
            for side in Side:
                assert all(count > 0 for _, count in self.exchange.levels(ticker, side, 10_000))
        for person in self.people[:3]:
            # Fees of makers are not reserved: they are all that may overdraw an account.
            assert person.cash >= -sum(p.fees for p in person.account.positions.values())
        self.exchange.drain()


ExchangeLife.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestExchangeLife = ExchangeLife.TestCase
