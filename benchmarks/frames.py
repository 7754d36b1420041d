"""Frames as the exchange sends them, made from a seed: many markets on one subscription, books never crossed.

About 26 levels a side; 70 % of the markets on whole cents, 30 % on tenths; adds, partial and full removals,
mostly near the touch; 6 % of the adds with a fraction of a contract.
"""

from __future__ import annotations

import random

CENT_STEP, DECI_STEP = 100, 10
ONE = 10_000
_LEVELS = 26


class Market:
    """The exchange's own side of one market: sizes by price for each leg, NO prices counted as NO."""

    def __init__(self, ticker: str, step: int, random_: random.Random) -> None:
        self.ticker = ticker
        self.step = step
        self.market_id = f"{random_.getrandbits(32):08x}-0000-4000-8000-{random_.getrandbits(48):012x}"
        self.legs: dict[str, dict[int, int]] = {"yes": {}, "no": {}}
        self.clock = random_.randrange(1, 1_000_000)
        middle = random_.randrange(30, 70) * CENT_STEP
        for leg, top in (("yes", middle - step), ("no", ONE - middle - step)):
            for n in range(_LEVELS):
                price = top - n * step
                if price > 0:
                    self.legs[leg][price] = random_.randrange(1, 500) * 100

    def change(self, random_: random.Random) -> tuple[str, int, int]:
        """(leg, price, signed change) of the next delta, applied."""
        leg = random_.choice(("yes", "no"))
        levels = self.legs[leg]
        if random_.random() < (0.6 if len(levels) > _LEVELS else 0.4) and levels:
            price = self._near(levels, random_)
            size = levels[price]
            gone = random_.random() < 0.3 or size < 200
            delta = -size if gone else -random_.randrange(1, size // 100) * 100
        else:
            other = self.legs["no" if leg == "yes" else "yes"]
            highest = ONE - max(other, default=self.step) - self.step
            # Mostly near the touch, now and then anywhere in the ladder's usual reach.
            depth = int(
                random_.expovariate(0.3) if random_.random() < 0.6 else random_.uniform(0, 1.4 * _LEVELS)
            )
            price = max(highest - depth * self.step, self.step)
            delta = random_.randrange(1, 300) * 100 + (37 if random_.random() < 0.06 else 0)
        size = levels.get(price, 0) + delta
        if size:
            levels[price] = size
        else:
            del levels[price]
        self.clock += random_.randrange(1, 5)
        return leg, price, delta

    def _near(self, levels: dict[int, int], random_: random.Random) -> int:
        best_first = sorted(levels, reverse=True)
        return best_first[min(int(random_.expovariate(0.3)), len(best_first) - 1)]


class Stream:
    """One subscription's frames: ``snapshots`` first, then as many ``deltas`` as wanted."""

    def __init__(self, seed: int, markets: int = 20) -> None:
        self._random = random.Random(seed)
        self.sid = 2
        self.seq = 0
        self._now_ms = 1_795_000_000_000
        self.markets = [
            Market(
                f"KXBENCH-26NOV22-T{n:03d}.50",
                CENT_STEP if n % 10 < 7 else DECI_STEP,
                self._random,
            )
            for n in range(markets)
        ]
        # A few markets get most of the traffic.
        self._weights = [1 / (n + 1) for n in range(markets)]

    def snapshots(self) -> list[bytes]:
        return [self.snapshot(market) for market in self.markets]

    def snapshot(self, market: Market) -> bytes:
        sides = []
        for leg in ("yes", "no"):
            levels = ",".join(f'["{text(p, 4)}","{text(s, 2)}"]' for p, s in sorted(market.legs[leg].items()))
            if levels:
                sides.append(f',"{leg}_dollars_fp":[{levels}]')
        self.seq += 1
        return (
            f'{{"type":"orderbook_snapshot","sid":{self.sid},"seq":{self.seq},"sending_ts_ms":{self._now_ms},'
            f'"msg":{{"market_ticker":"{market.ticker}","market_id":"{market.market_id}",'
            f'"clock":{market.clock}{"".join(sides)}}}}}'
        ).encode()

    def deltas(self, count: int) -> list[bytes]:
        chosen = self._random.choices(self.markets, self._weights, k=count)
        return [self.delta(market) for market in chosen]

    def delta(self, market: Market) -> bytes:
        leg, price, change = market.change(self._random)
        self.seq += 1
        self._now_ms += self._random.randrange(3)
        return (
            f'{{"type":"orderbook_delta","sid":{self.sid},"seq":{self.seq},"sending_ts_ms":{self._now_ms},'
            f'"msg":{{"market_ticker":"{market.ticker}","market_id":"{market.market_id}",'
            f'"clock":{market.clock},"price_dollars":"{text(price, 4)}","delta_fp":"{text(change, 2)}",'
            f'"side":"{leg}","ts":"2026-11-22T20:44:01.{self._now_ms % 1000:03d}000Z","ts_ms":{self._now_ms}}}}}'
        ).encode()


def text(value: int, places: int) -> str:
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**places)
    return f"{sign}{whole}.{fraction:0{places}d}"
