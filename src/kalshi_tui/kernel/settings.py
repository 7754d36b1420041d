"""What the kernel is told once, at start."""

from __future__ import annotations

from msgspec import Struct, field

from kalshi_tui.execution.target import TargetRules
from kalshi_tui.features.microprice import MicroTable
from kalshi_tui.kernel.calibration import Calibration, series_of
from kalshi_tui.pricing.base import QuoteParams
from kalshi_tui.pricing.regime import RegimeParams
from kalshi_tui.protocol.calendar import ScheduledPrint
from kalshi_tui.protocol.market import Market
from kalshi_tui.protocol.relations import TickedRelation
from kalshi_tui.risk.chain import RiskParams


class KernelSettings(Struct, frozen=True):
    """One desk's settings. Everything that decides is in here or in an event: nothing is read from outside."""

    venue: str
    """practice, demo or prod."""
    execution: str
    """venue, paper or none: with none nothing is ever sent."""
    mode: str
    """The word in the corner: PRACTICE, DEMO, PROD, PROD·PAPER, REPLAY."""
    boot: str
    """Prefix of every client order id of this boot; begins with ``family``."""
    risk: RiskParams
    """Every limit, derived from one bankroll."""
    regime: RegimeParams = RegimeParams()
    calibrations: tuple[Calibration, ...] = ()
    """Accepted measurements; a market that none covers has no micro-price table and the regime above."""
    family: str = ""
    """What the client order ids of this desk begin with in every boot; empty takes nobody's leftovers for ours."""
    default_engine: str = "m0"
    engines: dict[str, str] = field(default_factory=dict)
    """Ticker, event or series -> the engine its markets start with instead of the default."""
    quote_at_start: bool = False
    engine_params: dict[str, QuoteParams] = field(default_factory=dict)
    """Engine name -> its parameter model; engines left out use their defaults."""
    rules: TargetRules = TargetRules()
    detached_hold_s: int | None = None
    """Seconds without a controlling screen before quotes are pulled; None keeps going."""
    hand_idle_s: int = 900
    """An armed hand falls back to safe after this long without a key."""
    reconcile_every_s: int = 20
    prints: tuple[ScheduledPrint, ...] = ()
    """The trader's own calendar."""
    relations: tuple[TickedRelation, ...] = ()
    """Relations across events that a person has read the rules of."""
    read_calendar: bool = True
    """Ask the venue for its calendar (a replay has none)."""
    trace: bool = False
    """Collect intents, verdicts and effects for ``decisions_hash``."""
    history: int = 60
    """Seconds of feature history kept for sparklines: as many as a pane draws at most."""
    retire_after_s: int | None = None
    """Finalized markets leave the desk this long after their close; None keeps all (a replay's books stay)."""

    def engine_of(self, facts: Market) -> str:
        """What a market starts with: its own engine, its event's, its series', else the default."""
        names = (facts.ticker, facts.event_ticker, series_of(facts))
        return next((self.engines[name] for name in names if name in self.engines), self.default_engine)

    def micro_table(self, facts: Market) -> MicroTable | None:
        """The table fitted on markets like this one; None: M1 uses the mid and says so."""
        found = (c.table for c in self.calibrations if c.table is not None and c.covers(facts))
        return next(found, None)

    def regime_of(self, facts: Market) -> RegimeParams:
        """The thresholds fitted on markets like this one, else the common ones."""
        found = (c.regime for c in self.calibrations if c.regime is not None and c.covers(facts))
        return next(found, self.regime)
