"""Ctrl+C from the first moment on: no traceback, and the code that says so."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

# As the installed script does it. The byte says that Python itself is up: what comes before is not ours to guard.
STARTED = (
    "import os, sys, kalshi_tui\nos.write(1, b'.')\nfrom kalshi_tui.__main__ import main\nsys.exit(main())"
)


def interrupted(args: tuple[str, ...], after: float) -> tuple[int, str]:
    """Exit code and stderr of a command that gets SIGINT ``after`` seconds of its own."""
    child = subprocess.Popen(
        [sys.executable, "-c", STARTED, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        try:
            assert child.stdout is not None and child.stdout.read(1) == b"."
            time.sleep(after)
            child.send_signal(signal.SIGINT)
            _, said = child.communicate(timeout=30)
        finally:
            child.kill()
    return child.returncode, said.decode()


@pytest.mark.parametrize("after", [0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3])
@pytest.mark.parametrize(
    ("args", "orderly"),
    [
        (("run", "--no-ui"), ()),
        (("exchange",), (0,)),  # it serves until it is told to end
        (("status",), (1,)),  # no desk runs: it may have said so before
    ],
    ids=lambda value: value[0] if value and isinstance(value[0], str) else None,
)
def test_an_early_interrupt_leaves_no_traceback(
    args: tuple[str, ...], orderly: tuple[int, ...], after: float
) -> None:
    code, said = interrupted(args, after)
    assert "Traceback" not in said and "Exception ignored" not in said
    assert code in (130, *orderly), said


def run(code: str, *, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    """``code`` in a process of its own, which may have been started with interrupts ignored."""
    before = "import signal, time\nfrom kalshi_tui.cli.interrupts import over, quiet, raised\n"
    if ignored:
        before += "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    return subprocess.run(
        [sys.executable, "-c", before + code], capture_output=True, text=True, timeout=30, check=False
    )


def test_an_interrupt_that_python_would_forget_comes_again() -> None:
    done = run(
        "quiet(); raised()\n"
        "class Late:\n"
        "    def __del__(self): signal.raise_signal(signal.SIGINT)\n"
        "try:\n"
        "    Late()\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt: print('came')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "came\n", "")


def test_what_else_goes_wrong_in_a_destructor_is_still_told() -> None:
    done = run("quiet(); raised()\nclass Bad:\n    def __del__(self): raise ValueError('told')\nBad()")
    assert "told" in done.stderr


def test_ignored_interrupts_stay_ignored() -> None:
    done = run("quiet(); raised()\nsignal.raise_signal(signal.SIGINT)\nprint('here')", ignored=True)
    assert (done.returncode, done.stdout) == (0, "here\n")


def test_a_command_that_is_over_keeps_its_code() -> None:
    # What is registered first is called last: the interrupt comes while Python ends.
    done = run(
        "import atexit\natexit.register(signal.raise_signal, signal.SIGINT)\nquiet(); over()\nraise SystemExit(3)"
    )
    assert (done.returncode, done.stderr) == (3, "")
