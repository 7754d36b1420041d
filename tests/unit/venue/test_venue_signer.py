"""Signatures verify with the public key, the secret stays inside, and a bad key file is named plainly."""

from __future__ import annotations

import asyncio
import base64
import copy
import os
import pickle
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kalshi_tui.venue.signer import KeyFileError, Signer, load_key

PATH = "/trade-api/v2/portfolio/orders"


def pem(
    key: rsa.RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey, secret: bytes = b""
) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption(),
    )


def test_rsa_headers_verify_as_pss_with_a_salt_of_32(rsa_key: rsa.RSAPrivateKey) -> None:
    headers = Signer("kid", rsa_key).headers("get", PATH + "?limit=5", 1_703_123_456_789)
    assert headers["KALSHI-ACCESS-KEY"] == "kid"
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1703123456789"
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    text = f"1703123456789GET{PATH}".encode()
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    rsa_key.public_key().verify(signature, text, pss, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        rsa_key.public_key().verify(signature, text + b"?limit=5", pss, hashes.SHA256())


def test_ed25519_headers_verify(ed_key: Ed25519PrivateKey) -> None:
    headers = Signer("kid", ed_key).headers("DELETE", PATH, 5)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    ed_key.public_key().verify(signature, f"5DELETE{PATH}".encode())


async def test_rsa_is_signed_away_from_the_event_loop(
    rsa_key: rsa.RSAPrivateKey, ed_key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    inner = Signer.headers

    def noting(self: Signer, method: str, path: str, wall_ms: int) -> dict[str, str]:
        seen.append(threading.current_thread().name)
        return inner(self, method, path, wall_ms)

    monkeypatch.setattr(Signer, "headers", noting)
    slow, fast = Signer("kid", rsa_key), Signer("kid", ed_key)
    await asyncio.gather(*(slow.sign("GET", PATH, i) for i in range(4)))
    await fast.sign("GET", PATH, 1)
    assert len(set(seen[:4])) == 1
    assert seen[0].startswith("signer")
    assert seen[4] == threading.main_thread().name
    slow.close()


def test_the_secret_is_in_no_text_and_never_pickled(ed_key: Ed25519PrivateKey) -> None:
    signer = Signer("my-key-id", ed_key)
    for text in (repr(signer), str(signer), f"{signer}", f"{signer!r:>40}"):
        assert "***" in text
        assert "my-key-id" not in text
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(signer)
    assert not hasattr(signer, "__dict__")


@pytest.mark.parametrize("kid", ["", "a\r\nX: y", "schlüssel"])
def test_a_key_id_that_no_header_may_carry_is_refused(ed_key: Ed25519PrivateKey, kid: str) -> None:
    with pytest.raises(KeyFileError, match="key id"):
        Signer(kid, ed_key)


def test_both_kinds_are_told_apart_by_the_file(key_file: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    assert Signer.load("kid", key_file).kind == "ed25519"
    key_file.write_bytes(
        rsa_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    assert Signer.load("kid", key_file).kind == "rsa"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601])
def test_a_file_others_can_touch_is_refused_with_the_remedy(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {key_file}"):
        load_key(key_file)


def test_tighter_modes_are_fine(key_file: Path) -> None:
    key_file.chmod(0o400)
    assert isinstance(load_key(key_file), Ed25519PrivateKey)


def test_links_fifos_folders_and_nothing_are_refused(key_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(key_file)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    for path, said in (
        (link, "is a link"),
        (fifo, "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "no", "There is no key file"),
    ):
        with pytest.raises(KeyFileError, match=said):
            load_key(path)


def test_a_file_of_someone_else_is_refused(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    with pytest.raises(KeyFileError, match="another user"):
        load_key(key_file)


def test_contents_that_are_no_usable_key_are_named(
    key_file: Path, ed_key: Ed25519PrivateKey, rsa_key: rsa.RSAPrivateKey
) -> None:
    public = rsa_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for content, said in (
        (b"SECRET-CANARY", "no private key"),
        (public, "public key"),
        (pem(ed_key, b"pass"), "passphrase"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "another kind"),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (b"x" * 70_000, "too large"),
    ):
        key_file.write_bytes(content)
        with pytest.raises(KeyFileError, match=said) as caught:
            load_key(key_file)
        assert "CANARY" not in str(caught.value)
        assert caught.value.__cause__ is None
