"""Who is calling: signatures of the exact string, within a window of time, answered as recorded when wrong.

The string signed is ``timestamp_ms + METHOD + path`` (from ``/trade-api/...``, without the query). RSA keys
sign it with PSS (SHA-256, MGF1-SHA256, salt of 32 bytes), Ed25519 keys plainly.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Struct

from kalshi_tui.practice.refusals import Refusal
from kalshi_tui.protocol.units import MILLISECOND, SECOND, Nanos

WINDOW: Nanos = 10 * SECOND
"""Accepted difference of clocks, invented: recordings show 5 s accepted and 30 s refused."""

KEY_HEADER = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"

KEY_MISSING = Refusal(401, "api_key_is_missing_from_headers", "api key is missing from headers")
TIMESTAMP_MISSING = Refusal(401, "timestamp_is_missing_from_headers", "timestamp is missing from headers")
# The code of the signature is recorded, the two above follow it.
SIGNATURE_MISSING = Refusal(401, "signature_is_missing_from_headers", "signature is missing from headers")
TIMESTAMP_EXPIRED = Refusal(401, "header_timestamp_expired", "header timestamp expired")
UNKNOWN_KEY = Refusal(401, "authentication_error", "authentication_error", "NOT_FOUND")
BAD_SIGNATURE = Refusal(401, "authentication_error", "authentication_error", "INCORRECT_API_KEY_SIGNATURE")

PublicKey = RSAPublicKey | Ed25519PublicKey


class ApiKey(Struct, frozen=True):
    """A key the exchange knows, and whose it is."""

    key_id: str
    user_id: str
    public: PublicKey


class KeyPair(Struct, frozen=True):
    """A fresh key: what the exchange keeps and where its owner finds the private half."""

    api_key: ApiKey
    path: Path


def make_key(kind: str, user_id: str, folder: Path | None = None) -> KeyPair:
    """A new ``ed25519`` (PKCS#8) or ``rsa`` (PKCS#1) key; its private PEM 0600 in a folder of its own, 0700."""
    private: RSAPrivateKey | Ed25519PrivateKey
    if kind == "rsa":
        private, layout = generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL
    elif kind == "ed25519":
        private, layout = Ed25519PrivateKey.generate(), PrivateFormat.PKCS8
    else:
        raise ValueError(f"key kind {kind!r} is unknown; it is ed25519 or rsa")
    home = Path(tempfile.mkdtemp(prefix="kalshi-practice-", dir=folder))
    path = home / "key.pem"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, layout, NoEncryption()))
    return KeyPair(ApiKey(str(uuid4()), user_id, private.public_key()), path)


class Doorkeeper:
    """The keys that may call."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def admit(self, key: ApiKey) -> None:
        self._keys[key.key_id] = key

    def check(
        self, headers: Mapping[str, str], method: str, path: str, now: Nanos
    ) -> tuple[str | None, Refusal | None]:
        """The caller's ``user_id``, or why the call is refused."""
        key_id, stamp = headers.get(KEY_HEADER), headers.get(TIMESTAMP_HEADER)
        signature = headers.get(SIGNATURE_HEADER)
        if not key_id:
            return None, KEY_MISSING
        if not signature:
            return None, SIGNATURE_MISSING
        if not stamp:
            return None, TIMESTAMP_MISSING
        plain = stamp.isascii() and stamp.isdigit() and len(stamp) <= 16
        if not plain or abs(int(stamp) * MILLISECOND - now) > WINDOW:
            return None, TIMESTAMP_EXPIRED
        key = self._keys.get(key_id)
        if key is None:
            return None, UNKNOWN_KEY
        if not _verified(key.public, signature, f"{stamp}{method.upper()}{path}".encode()):
            return None, BAD_SIGNATURE
        return key.user_id, None


def _verified(public: PublicKey, signature: str, message: bytes) -> bool:
    try:
        raw = b64decode(signature, validate=True)
        if isinstance(public, RSAPublicKey):
            padding = PSS(mgf=MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
            public.verify(raw, message, padding, hashes.SHA256())
        else:
            public.verify(raw, message)
    except (InvalidSignature, Base64Error, ValueError):
        return False
    return True
