"""What every action does: most become a command for the desk, some only move this screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from kalshi_tui.protocol.commands import Ack, AnyCommand, SetEngine
from kalshi_tui.protocol.units import counted
from kalshi_tui.protocol.views import EngineParams
from kalshi_tui.tui.actions import ACTIONS, key_shown
from kalshi_tui.tui.arrange import LAYOUTS, PANES
from kalshi_tui.tui.intent import Refused, all_on, command_for
from kalshi_tui.tui.numbers import contracts, dollars, market_name, whole_dollars
from kalshi_tui.tui.panes.log import LogPane
from kalshi_tui.tui.screen import TradingScreen
from kalshi_tui.tui.sheets.ask import Ask, TypeNumber
from kalshi_tui.tui.sheets.form import Asking
from kalshi_tui.tui.sheets.override import OverrideSheet
from kalshi_tui.tui.sheets.params import ParamsSheet
from kalshi_tui.tui.sheets.picker import Choice, Picker
from kalshi_tui.tui.sheets.reader import Reader, help_page
from kalshi_tui.tui.sheets.tilt import TiltSheet
from kalshi_tui.tui.state import ScreenState

TWICE_WITHIN = 1.0
"""Seconds between the two F of flatten all."""
_ENGINES = {"0": "m0", "1": "m1", "2": "m2", "3": "m3"}

_SHOWN = ("card", "params")
"""Actions whose answer opens a sheet: the log need not say that it came."""


class Shell(Protocol):
    """What control needs of the app around it."""

    def send(self, command: AnyCommand, title: str, then: Callable[[Ack], None] | None = None) -> None:
        """Ask the desk; its answer goes to the log, and to ``then``."""

    def end_desk(self) -> None:
        """Ask the desk to end; the screen leaves only when it agreed."""

    def refocus(self) -> None:
        """Tell the desk which market and prices this screen looks at."""

    def leave(self, exit: str, message: str) -> None:
        """Close the screen."""

    def wear(self, theme: str) -> None:
        """Put another theme on."""

    def keep_layout(self, layout: str) -> None:
        """Find it again the next time."""

    def theme_choices(self) -> list[Choice]:
        """All themes, for a picker."""


class Control:
    """Runs actions by id. The desk decides; a refusal of the screen's own is said in the same place."""

    def __init__(self, state: ScreenState, screen: TradingScreen, shell: Shell) -> None:
        self._state = state
        self._screen = screen
        self._shell = shell
        self._flatten_all_at = float("-inf")
        self._local: dict[str, Callable[[], None]] = {
            "cursor_up": lambda: self._cursor(+1),
            "cursor_down": lambda: self._cursor(-1),
            "recentre": self._recentre,
            "size_up": lambda: self._size(+1),
            "size_down": lambda: self._size(-1),
            "group_finer": lambda: self._group(-1),
            "group_coarser": lambda: self._group(+1),
            "next_market": lambda: self.look_at(self._state.neighbour(+1)),
            "previous_market": lambda: self.look_at(self._state.neighbour(-1)),
            "next_pane": screen.next_pane,
            "layout": self._layout,
            "theme": self._theme,
            "find": self._find,
            "palette": self._palette,
            "help": self._help,
            "engine": self._engine,
            "override": partial(self._form, OverrideSheet, "event override"),
            "tilt": partial(self._form, TiltSheet, "tilt"),
            "quit": self._quit,
            **{f"pane_{n}": partial(screen.focus_pane, name) for n, name in enumerate(PANES, 1)},
        }

    def do(self, action: str, confirmed: bool = False) -> None:
        """Run ``action``; ``confirmed`` where it was chosen by name, not by a key."""
        try:
            if action in self._local:
                self._local[action]()
            elif action == "flatten_all" and not confirmed and not self._twice():
                self._say("F again within a second flattens everything")
            elif action in _SHOWN:
                self._shell.send(command_for(action, self._state), "")
            elif action == "quote_all" and not self._any_quoting():
                self._ask_all_on()
            else:
                self._shell.send(command_for(action, self._state), ACTIONS[action].title)
        except Refused as refusal:
            self._say(str(refusal), "refused")

    def look_at(self, ticker: str) -> None:
        """Select a market."""
        if self._state.select(ticker):
            self._shell.refocus()
            self._screen.paint("ladder", "markets", "features")

    def put_cursor(self, price: int) -> None:
        """The cursor on ``price``."""
        self._state.put_cursor(price)
        self._screen.paint("ladder")

    def _say(self, text: str, kind: str = "info") -> None:
        self._state.say(text, kind)
        self._screen.paint("log")

    def _twice(self) -> bool:
        now = self._state.clock()
        twice = now - self._flatten_all_at <= TWICE_WITHIN
        self._flatten_all_at = float("-inf") if twice else now
        return twice

    def _any_quoting(self) -> bool:
        """Also when nothing is known: then the key may only switch off."""
        view = self._state.view
        return view is None or any(row.quoting for row in view.markets)

    def _cursor(self, step: int) -> None:
        if self._screen.current == "markets":
            self.look_at(self._state.neighbour(-step))
        elif self._screen.current == "log":
            log = self._screen.panes["log"]
            assert isinstance(log, LogPane)
            log.scroll_log(-step)
        else:
            self._state.move_cursor(step)
            self._screen.paint("ladder")

    def _recentre(self) -> None:
        self._state.recentre()
        self._screen.paint("ladder")

    def _size(self, step: int) -> None:
        ladder = self._state.ladder
        if step > 0 and ladder is not None and not self._state.may_grow:
            why = f" ({ladder.hand_why})" if ladder.hand_why else ""
            most = contracts(ladder.hand_most or 0)
            raise Refused(f"one order by hand may have {most} here{why}: the size stays")
        self._state.step_size(step)
        self._screen.paint("ladder")

    def _group(self, step: int) -> None:
        window = self._state.window
        if window is not None:
            window.regroup(step, self._state.cursor)
            self._screen.paint("ladder")

    def _layout(self) -> None:
        name = self._screen.next_layout()
        self._shell.keep_layout(name)
        self._say(f"layout {name}: {LAYOUTS[name]}")

    def _theme(self) -> None:
        self._screen.open_sheet(
            Picker(self._screen.palette, "theme", self._shell.theme_choices()), self._shell.wear
        )

    def _find(self) -> None:
        rows = self._state.view.markets if self._state.view else ()
        choices = [Choice((row.ticker, market_name(row.event_title, row.label), row.ticker)) for row in rows]
        self._screen.open_sheet(Picker(self._screen.palette, "find a market", choices), self.look_at)

    def _palette(self) -> None:
        keys = self._state.keys
        choices = [
            Choice((a.id, f"{a.title}  {' '.join(key_shown(k) for k in keys[a.id])}".rstrip(), a.description))
            for a in ACTIONS.values()
            if a.id != "palette"
        ]
        picker = Picker(self._screen.palette, "every action by name", choices)
        self._screen.open_sheet(picker, lambda action: self.do(action, confirmed=True))

    def _help(self) -> None:
        self._screen.open_sheet(Reader(self._screen.palette, help_page(self._state.keys)))

    def _engine(self) -> None:
        row, ticker = self._state.row, self._state.selected
        if row is None:
            raise Refused("no market is selected: the desk has not sent its list yet")
        answers = {digit: name.upper() for digit, name in _ENGINES.items()}
        question = [f"engine of {row.label}, now {row.engine.upper() or 'none'}"]

        def choose(digit: str) -> None:
            self._shell.send(SetEngine(id=0, ticker=ticker, engine=_ENGINES[digit]), "engine")

        self._screen.open_sheet(Ask(self._screen.palette, question, answers), choose)

    def _form(self, kind: type[OverrideSheet] | type[TiltSheet], title: str) -> None:
        if self._state.row is None:
            raise Refused("no market is selected: the desk has not sent its list yet")
        ask = self._asking(title)
        self._screen.open_sheet(kind(self._screen.palette, self._state, self._state.selected, ask))

    def show_params(self, params: EngineParams) -> None:
        """The answer to ``p``, unless something else was opened while the desk looked it up."""
        if self._screen.sheet is None:
            sheet = ParamsSheet(self._screen.palette, self._state, params, self._asking("params"))
            self._screen.open_sheet(sheet)

    def _asking(self, title: str) -> Asking:
        return lambda command, then: self._shell.send(command, title, then)

    def _ask_all_on(self) -> None:
        view = self._state.view
        assert view is not None  # _any_quoting is True without one
        number = len(view.markets)
        question = [f"Switch quoting on everywhere: {counted(number, 'market')}?", ""]
        question += [f"  {g.name:<8} {g.text}" for g in view.gauges if g.cap > 0 or "worst" in g.text]
        if view.settlement:
            worst = min(row.if_hit for row in view.settlement)
            question.append(f"  worst here if every order that hurts fills: {dollars(worst)}")
        day, limit = view.status.day_limit, view.status.drawdown_limit
        if day is not None and limit is not None:
            question.append(f"  engines stop at a day's loss of {whole_dollars(day)} or")
            question.append(f"  a drawdown of {whole_dollars(limit)}")
        question += ["", f"Type the number of markets ({number}) to switch them on."]
        self._screen.open_sheet(TypeNumber(self._screen.palette, question, number), lambda _: self._all_on())

    def _all_on(self) -> None:
        try:
            self._shell.send(all_on(self._state), ACTIONS["quote_all"].title)
        except Refused as refusal:
            self._say(str(refusal), "refused")

    def _quit(self) -> None:
        answers = {
            "d": "detach: the desk goes on under its detach policy",
            "s": "stop: pull, verify, end the desk",
        }
        question = ["Leave the screen? `kalshi-tui attach` comes back to it."]

        def answer(key: str) -> None:
            if key == "d":
                self._shell.leave("detach", "Detached: the desk goes on. `kalshi-tui attach` comes back.")
            else:
                self._shell.end_desk()

        self._screen.open_sheet(Ask(self._screen.palette, question, answers), answer)
