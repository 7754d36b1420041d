"""Damage to frames: flipped bytes, cut and doubled pieces, poison values, keys that come twice."""

from __future__ import annotations

import random
import re

_VALUE = re.compile(rb':("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)')
_PAIR = re.compile(rb'"([a-z_]+)":("[^"]*"|-?[0-9]+),')
_POISON = (
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1", b"0", b"1.0", b"null", b"true", b"{}", b"[]", b'""',
    b'"-0.01"', b'"1e30"', b'"NaN"', b'"0.42000001"', b'"1.0000"', b'"0.0000"', b'"0.5"', b'"-999999999999.99"',
    b'"yes"', b'"no"', b'"maybe"', b"9" * 25, b"9" * 5000, b'"' + b"9" * 5000 + b'"', b"[" * 2000,
    b'"\\ud800"', b'"\xff"',
)  # fmt: skip


def mutate(raw: bytes, random_: random.Random) -> bytes:
    """One or two damages, chosen and placed by ``random_``."""
    for _ in range(1 if random_.random() < 0.8 else 2):
        raw = random_.choice(_DAMAGES)(raw, random_)
    return raw


def _flip(raw: bytes, random_: random.Random) -> bytes:
    if not raw:
        return raw
    place = random_.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ (1 << random_.randrange(8))]) + raw[place + 1 :]


def _byte(raw: bytes, random_: random.Random) -> bytes:
    place = random_.randrange(len(raw) + 1)
    return (
        raw[:place]
        + bytes([random_.choice(b'"{}[]:,\\0129.-eE \n\x00\x80\xff')])
        + raw[place + random_.randrange(2) :]
    )


def _cut(raw: bytes, random_: random.Random) -> bytes:
    start, end = sorted((random_.randrange(len(raw) + 1), random_.randrange(len(raw) + 1)))
    return raw[:start] + raw[end:] if random_.random() < 0.5 else raw[:end]


def _double(raw: bytes, random_: random.Random) -> bytes:
    start, end = sorted((random_.randrange(len(raw) + 1), random_.randrange(len(raw) + 1)))
    return raw[:end] + raw[start:end] + raw[end:]


def _poison(raw: bytes, random_: random.Random) -> bytes:
    found = list(_VALUE.finditer(raw))
    if not found:
        return raw
    chosen = random_.choice(found)
    return raw[: chosen.start(1)] + random_.choice(_POISON) + raw[chosen.end(1) :]


def _digit(raw: bytes, random_: random.Random) -> bytes:
    """Another number that is as good as the first: such a frame is valid and says something else."""
    found = list(_VALUE.finditer(raw))
    if not found:
        return raw
    chosen = random_.choice(found)
    places = [n for n in range(chosen.start(1), chosen.end(1)) if 48 <= raw[n] <= 57]
    if not places:
        return raw
    place = random_.choice(places)
    return raw[:place] + b"%d" % random_.randrange(10) + raw[place + 1 :]


def _repeat(raw: bytes, random_: random.Random) -> bytes:
    found = list(_PAIR.finditer(raw))
    if not found:
        return raw
    pair = random_.choice(found)
    key, value = pair.group(1), pair.group(2)
    if random_.random() < 0.5:
        value = random_.choice(found).group(2)
    if random_.random() < 0.2:
        key = b"\\u%04x" % key[0] + key[1:]
    again = b'"' + key + b'"' + random_.choice((b":", b" :", b": ")) + value + b","
    kept = raw
    if random_.random() < 0.3:
        # Leave another key out, so that the number of keys stays what it was.
        gone = random_.choice(found)
        kept = raw[: gone.start()] + raw[gone.end() :]
    place = kept.find(b"{", kept.find(b'"msg"')) + 1 if random_.random() < 0.7 else 1
    return kept[:place] + again + kept[place:]


def _drop(raw: bytes, random_: random.Random) -> bytes:
    found = list(_PAIR.finditer(raw))
    if not found:
        return raw
    gone = random_.choice(found)
    return raw[: gone.start()] + raw[gone.end() :]


_DAMAGES = (_flip, _flip, _byte, _cut, _double, _poison, _poison, _digit, _digit, _repeat, _repeat, _drop)
