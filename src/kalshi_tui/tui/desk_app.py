"""The app: wires the desk's link to the screen, and leaves the terminal clean whatever happens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from rich.console import RenderableType
from textual import events
from textual.app import App

from kalshi_tui.protocol.commands import Ack, AnyCommand
from kalshi_tui.protocol.views import EngineParams, MarketCard
from kalshi_tui.tui.actions import ACTIONS
from kalshi_tui.tui.control import Control
from kalshi_tui.tui.dress import is_native, textual_theme
from kalshi_tui.tui.ink import Palette
from kalshi_tui.tui.keygate import HOLD, KeyGate
from kalshi_tui.tui.link import DeskLink
from kalshi_tui.tui.memory import Memory
from kalshi_tui.tui.messages import MarketPicked, PanePicked, PricePicked
from kalshi_tui.tui.pulse import Pulse
from kalshi_tui.tui.result import ScreenResult, failure
from kalshi_tui.tui.screen import TradingScreen
from kalshi_tui.tui.session import Session
from kalshi_tui.tui.sheets.picker import Choice
from kalshi_tui.tui.sheets.reader import Reader, card_page
from kalshi_tui.tui.state import ScreenState
from kalshi_tui.tui.theme import Theme
from kalshi_tui.tui.tidy import TIDY_EVERY_S, tidy


class DeskApp(App[ScreenResult], inherit_bindings=False):
    """One attached screen. It holds no key and no order; all it does is show views and send commands."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        link: DeskLink,
        state: ScreenState,
        themes: dict[str, Theme],
        theme: Theme,
        crash_file: Path | None = None,
        memory: Memory | None = None,
    ) -> None:
        super().__init__(ansi_color=is_native(theme))
        self.animation_level = "none"
        self.failure: ScreenResult | None = None
        self._crash_file = crash_file
        self._themes = themes
        self._memory = memory or Memory(None)
        for each in themes.values():
            self.register_theme(textual_theme(each))
        self.theme = theme.name
        self._gate = KeyGate()
        self._waiting_key: str | None = None
        self._action_of = {key: action for action, keys in state.keys.items() for key in keys}
        self._action_of["ctrl+c"] = "quit"
        self._pulse = Pulse(state.clock)
        self._session = Session(link, state, self)
        self.state = state
        self.desk = TradingScreen(state, Palette(theme))
        self.control = Control(state, self.desk, self)

    async def on_mount(self) -> None:
        await self.push_screen(self.desk)
        self._own_signals()
        self.run_worker(self._session.listen(), group="desk")
        self.set_interval(1.0, self._beat)
        self.set_interval(TIDY_EVERY_S, tidy)

    # What comes from the desk (session.Listener).

    def view_came(self, first: bool) -> None:
        if first:
            self.desk.paint_all()
        self.desk.news()
        self.refocus()

    def card_came(self, card: MarketCard) -> None:
        self.desk.open_sheet(Reader(self.desk.palette, card_page(card)))

    def params_came(self, params: EngineParams) -> None:
        self.control.show_params(params)

    def answer_came(self) -> None:
        self.desk.paint("log", "status")

    def desk_gone(self, reason: str, stopped: bool) -> None:
        self.leave("stop" if stopped else "desk gone", reason)

    def _beat(self) -> None:
        driver = self._driver
        if driver is not None:
            if self._pulse.alive(driver):
                self.run_worker(self._session.beat(self._gate.take_total()), group="requests")
            self._pulse.ask(driver)

    # What comes from the trader.

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.CursorPosition):
            self._pulse.answered()
        elif isinstance(event, events.Key) and self._take_key(event):
            pass  # it acts, or is handed on, when its burst is over
        elif isinstance(event, events.Paste) and not self._typing:
            self.state.say("pasted text is never a command: nothing was done")
            self.answer_came()
        else:
            await super().on_event(event)

    @property
    def _typing(self) -> bool:
        return self.desk.sheet is not None and self.desk.sheet.typing

    def _take_key(self, event: events.Key) -> bool:
        """Hold the key until it is clear that it is not part of a paste. False where letters are text."""
        action = next((self._action_of[k] for k in (event.key, *event.aliases) if k in self._action_of), None)
        sheet = self.desk.sheet
        if sheet is not None and event.key == "escape":
            # Here and now: the next key may stand behind it already, and is neither text nor an answer any more.
            sheet.press(event.key)
            return True
        if sheet is not None and not (action and ACTIONS[action].always):
            action = None
        if self._typing and action != "kill":
            return False
        if sheet is not None and action is None:
            self._waiting_key = event.key
        if self._gate.key(action):
            self.set_timer(HOLD, self._release)
        return True

    def _release(self) -> None:
        burst = self._gate.release()
        waiting, self._waiting_key = self._waiting_key, None
        if burst.said:
            self.state.say(burst.said, "refused")
            self.answer_came()
        if waiting is not None and self.desk.sheet is not None:
            if burst.alone:
                self.desk.sheet.press(waiting)
            else:
                self.state.say(
                    "keys arrived at once: the sheet took none of them, press them again", "refused"
                )
                self.answer_came()
        for action in burst.actions:
            self.control.do(action)

    def on_market_picked(self, message: MarketPicked) -> None:
        self.control.look_at(message.ticker)

    def on_price_picked(self, message: PricePicked) -> None:
        self.control.put_cursor(message.price)

    def on_pane_picked(self, message: PanePicked) -> None:
        if message.pane != self.desk.current:
            self.desk.focus_pane(message.pane)

    # What control asks for (control.Shell).

    def send(self, command: AnyCommand, title: str, then: Callable[[Ack], None] | None = None) -> None:
        self.run_worker(self._ask(command, title, then), group="requests")

    async def _ask(self, command: AnyCommand, title: str, then: Callable[[Ack], None] | None) -> None:
        ack = await self._session.ask(command, title)
        if then is not None:
            then(ack)

    def refocus(self) -> None:
        focus = self._session.look()
        if focus is not None:
            self.send(focus, "")

    def end_desk(self) -> None:
        self.run_worker(self._session.end_desk(), group="requests")

    def keep_layout(self, layout: str) -> None:
        self._memory.remember(layout=layout)

    def theme_choices(self) -> list[Choice]:
        return [Choice((t.name, t.name, t.description)) for t in self._themes.values()]

    def wear(self, theme: str) -> None:
        self.theme = theme
        self.ansi_color = is_native(self._themes[theme])
        self.desk.redress(Palette(self._themes[theme]))
        self._memory.remember(theme=theme)

    def leave(self, exit: str, message: str) -> None:
        self.exit(ScreenResult(exit, message))

    # The end.

    def _own_signals(self) -> None:
        """Without this a closed SSH session kills the screen before it can clean up."""
        loop = asyncio.get_running_loop()
        for number, why in ((signal.SIGHUP, "the terminal closed"), (signal.SIGTERM, "asked to end")):
            try:
                loop.add_signal_handler(number, self.leave, "detach", f"Detached ({why}): the desk goes on.")
            except (ValueError, RuntimeError):
                return  # not the main thread: whoever runs us owns the signals

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback with the values of variables; a trader gets a sentence instead.
        if self.failure is None:
            self.failure = failure(error, self._crash_file)
            self._exception = error
            self._exception_event.set()
        self._return_code = 1
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Textual's own last resort (input thread, style sheets): nothing of it reaches the terminal."""
        self._handle_exception(RuntimeError("Textual gave up on the terminal"))
