"""Signatures: both kinds of key, the exact string, the window, the recorded words."""

from __future__ import annotations

import stat
from base64 import b64encode
from pathlib import Path

import pytest
from practice_kit import NOW, sign

from kalshi_tui.practice.auth import (
    BAD_SIGNATURE,
    KEY_MISSING,
    SIGNATURE_MISSING,
    TIMESTAMP_EXPIRED,
    TIMESTAMP_MISSING,
    UNKNOWN_KEY,
    Doorkeeper,
    KeyPair,
    make_key,
)
from kalshi_tui.protocol.units import SECOND

PATH = "/trade-api/v2/portfolio/balance"


@pytest.fixture(scope="module", params=["ed25519", "rsa"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return make_key(request.param, "me", tmp_path_factory.mktemp("keys"))


@pytest.fixture
def door(pair: KeyPair) -> Doorkeeper:
    keeper = Doorkeeper()
    keeper.admit(pair.api_key)
    return keeper


def test_a_good_signature_names_its_owner(door: Doorkeeper, pair: KeyPair) -> None:
    assert door.check(sign(pair, path=PATH), "GET", PATH, NOW) == ("me", None)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", PATH), ("GET", PATH + "?limit=1"), ("GET", PATH + "/"), ("GET", "/balance")]
)
def test_another_string_is_another_signature(door: Doorkeeper, pair: KeyPair, method: str, path: str) -> None:
    assert door.check(sign(pair, path=PATH), method, path, NOW) == (None, BAD_SIGNATURE)


@pytest.mark.parametrize("skew", [-5, 5])
def test_five_seconds_of_skew_are_accepted(door: Doorkeeper, pair: KeyPair, skew: int) -> None:
    assert door.check(sign(pair, path=PATH, at=NOW + skew * SECOND), "GET", PATH, NOW) == ("me", None)


@pytest.mark.parametrize("skew", [-30, 30, -300, 300])
def test_thirty_are_not(door: Doorkeeper, pair: KeyPair, skew: int) -> None:
    assert door.check(sign(pair, path=PATH, at=NOW + skew * SECOND), "GET", PATH, NOW) == (
        None,
        TIMESTAMP_EXPIRED,
    )


@pytest.mark.parametrize("stamp", ["soon", "１７９５", "-1", "1" * 400, "1.5"])
def test_a_stamp_that_is_no_number_is_expired(door: Doorkeeper, pair: KeyPair, stamp: str) -> None:
    headers = {**sign(pair, path=PATH), "KALSHI-ACCESS-TIMESTAMP": stamp}
    assert door.check(headers, "GET", PATH, NOW) == (None, TIMESTAMP_EXPIRED)


@pytest.mark.parametrize(
    ("missing", "refusal"),
    [
        ("KALSHI-ACCESS-KEY", KEY_MISSING),
        ("KALSHI-ACCESS-SIGNATURE", SIGNATURE_MISSING),
        ("KALSHI-ACCESS-TIMESTAMP", TIMESTAMP_MISSING),
    ],
)
def test_every_header_is_needed(door: Doorkeeper, pair: KeyPair, missing: str, refusal: object) -> None:
    headers = {name: value for name, value in sign(pair, path=PATH).items() if name != missing}
    assert door.check(headers, "GET", PATH, NOW) == (None, refusal)


def test_an_unknown_key_and_a_garbled_signature(door: Doorkeeper, pair: KeyPair) -> None:
    stranger = {**sign(pair, path=PATH), "KALSHI-ACCESS-KEY": "00000000-0000-0000-0000-000000000000"}
    assert door.check(stranger, "GET", PATH, NOW) == (None, UNKNOWN_KEY)
    for garbled in ("not base64!", "AAAA", b64encode(b"x" * 64).decode()):
        headers = {**sign(pair, path=PATH), "KALSHI-ACCESS-SIGNATURE": garbled}
        assert door.check(headers, "GET", PATH, NOW) == (None, BAD_SIGNATURE)


def test_the_private_key_is_its_owners_alone(pair: KeyPair) -> None:
    assert stat.S_IMODE(pair.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.path.parent.stat().st_mode) == 0o700


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dsa"):
        make_key("dsa", "me", tmp_path)
