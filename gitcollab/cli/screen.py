"""A screen that is drawn until its reader has seen enough."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gitcollab.cli import render, table
from gitcollab.cli.boundary import Terminated
from gitcollab.cli.frame import Screen, frame
from gitcollab.runner.usage import Usage, usage
from gitcollab.swarm.watching import Watch

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_LOOK_SECONDS = 1.0  # between two looks at what this host knows
_USE_SECONDS = 3.0  # between two looks at the machine
_PATIENCE = 0.2  # seconds in which a key or another size is noticed
_LEAVE = b"qQ\x03\x04"

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """What ``make`` gave last, called again and again by a thread that nobody waits for."""

    def __init__(
        self, make: Callable[[], Value], pause: float, value: Value, *, at_once: bool = False
    ) -> None:
        self._make, self._pause, self._value = make, pause, value
        self._first = 0 if at_once else pause
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    @property
    def value(self) -> Value:
        """The last value. Raises what ``make`` raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def end(self, hurry: Callable[[], None] = lambda: None) -> None:
        """Let the thread end; ``hurry`` cuts short what it waits for. Waits a second at most."""
        self._ended.set()
        for _ in range(10):
            hurry()
            self._thread.join(0.1)
            if not self._thread.is_alive():
                return

    def _go_on(self) -> None:
        pause = self._first
        while not self._ended.wait(pause):
            pause = self._pause
            try:
                self._value = self._make()
            except BaseException as e:
                self._error = e
                return


def keep_drawing(hub: Watch, every: float, begins: Callable[[], None]) -> None:
    """Draw the hub until q or ^C; ``begins`` is called when the screen is taken."""
    from gitcollab.store.store import Store

    seen = Kept(hub.look, _LOOK_SECONDS, hub.look())
    used: Kept[Usage | None] = Kept(usage, _USE_SECONDS, None, at_once=True)
    begins()
    foot = f"q leaves; the hub is read every {every:g} s"
    try:
        _draw(lambda on: frame(seen.value, used.value, render.now(), on, foot))
    except KeyboardInterrupt as e:
        if isinstance(e, Terminated):
            raise
    finally:
        seen.end(Store.stop_asking)


def _draw(lines_on: Callable[[Screen], list[str]]) -> None:
    """Draw what ``lines_on`` gives whenever it is another, until a key says that it is enough."""
    colours, drawn = table.in_colours(), None
    with _Keyboard() as keyboard, _Stops() as stops, _live() as live:
        while not keyboard.leaves(_PATIENCE if drawn else 0):
            if stops.asked:
                live.stop()
                keyboard.give_back()
                stops.stop()
                keyboard.take()
                live.start()
                drawn = None
            size = shutil.get_terminal_size((80, 24))
            lines = lines_on(Screen(max(20, size.columns), size.lines, colours))
            if (size, lines) != drawn:
                drawn = size, lines
                live.update(_text(lines), refresh=True)


def _live() -> Live:
    from rich.console import Console
    from rich.live import Live

    return Live(
        console=Console(markup=False, emoji=False, highlight=False),
        screen=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _text(lines: Sequence[str]) -> Text:
    """The lines, which have no control characters but our colours."""
    from rich.text import Text

    return Text.from_ansi("\n".join(lines), no_wrap=True, overflow="crop")


class _Keyboard:
    """The terminal's keys, one by one; where there are none, only ^C leaves."""

    def __init__(self) -> None:
        self._keys: int | None = None
        self._before: list[Any] = []
        self._never = threading.Event()

    def __enter__(self) -> _Keyboard:
        with suppress(ImportError):
            import termios  # noqa: F401 - not on every platform

            self._keys = sys.stdin.fileno() if sys.stdin.isatty() else None
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def take(self) -> None:
        """Get keys as they are pressed, unseen."""
        if self._keys is not None:
            import termios
            import tty

            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)

    def give_back(self) -> None:
        """Let the terminal be as it was."""
        if self._keys is not None:
            import termios

            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)

    def leaves(self, seconds: float) -> bool:
        """Whether a key that leaves is pressed within so many seconds, or the terminal is gone."""
        if self._keys is None:
            return self._never.wait(seconds)
        if not select.select([self._keys], [], [], seconds)[0]:
            return False
        pressed = os.read(self._keys, 1024)
        return not pressed or any(key in _LEAVE for key in pressed)


class _Stops:
    """^Z is noticed, so that the screen is given back before the process stops."""

    def __init__(self) -> None:
        self.asked = False
        self._number = getattr(signal, "SIGTSTP", None)

    def __enter__(self) -> _Stops:
        if self._number is not None:
            self._before = signal.signal(self._number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._number is not None:
            signal.signal(self._number, self._before)

    def stop(self) -> None:
        """Stop until somebody has us continue."""
        self.asked = False
        os.kill(os.getpid(), signal.SIGSTOP)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
