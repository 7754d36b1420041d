"""Large blocks must leave the process with their owner."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
CHILD = """
import ctypes, sys
from kalshi_tui.desk import allocator

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if sys.argv[1] == "settled":
    assert allocator.settle()
large = bytearray(8 << 20)
del large  # by default everything below its size comes from the heap from now on
before = libc.mallinfo2().hblkhd
kept = bytearray(1 << 20)
print(libc.mallinfo2().hblkhd - before)
"""


def mapped(how: str) -> int:
    """Bytes a megabyte takes outside the heap, after a larger block came and went."""
    done = subprocess.run([sys.executable, "-c", CHILD, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@glibc
def test_large_blocks_are_given_back() -> None:
    if mapped("as it comes"):
        pytest.skip("this glibc keeps large blocks off its heap by itself")
    assert mapped("settled") >= 1 << 20


HOLES = """
from pathlib import Path
from kalshi_tui.desk import allocator

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

blocks = [bytearray(16_000) for _ in range(4_000)]
last = bytearray(16_000)  # keeps the end of the heap in place
del blocks
before = resident()
assert allocator.give_back()
print(before - resident())
"""


@glibc
def test_free_pages_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10_000  # of 15,600 pages
