"""Request signatures: the key file is read once, the secret never leaves this module.

Kalshi signs ``timestamp_ms + METHOD + path`` (path with ``/trade-api/...``, without host and query): RSA-PSS
with SHA-256, MGF1-SHA256 and a 32-byte salt, or plain Ed25519. An RSA-2048 signature takes a quarter of a
millisecond, so it is made by one worker thread, never on the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

_MAX_KEY_FILE = 64 * 1024
_MIN_RSA_BITS = 2048
_SALT = 32


class KeyFileError(Exception):
    """A key that can not be used; the message is one sentence for the trader and holds no secret."""


class Signer:
    """Makes the three ``KALSHI-ACCESS-*`` headers. Prints, formats and pickles without its secret."""

    __slots__ = ("_key", "_key_id", "_worker")

    def __init__(self, key_id: str, key: PrivateKey) -> None:
        if not key_id or not key_id.isascii() or not key_id.isprintable():
            raise KeyFileError("The key id is empty or holds characters that no header may carry.")
        self._key_id = key_id
        self._key = key
        # Threads start on first use: an Ed25519 signer never has one.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signer")

    @staticmethod
    def load(key_id: str, path: Path) -> Signer:
        """The signer of a key file; ``KeyFileError`` says in one sentence why it can not be used."""
        return Signer(key_id, load_key(path))

    @property
    def key_id(self) -> str:
        """Names the account; belongs in headers and folder names, never on a screen or in a log."""
        return self._key_id

    @property
    def kind(self) -> str:
        """``rsa`` or ``ed25519``."""
        return "rsa" if isinstance(self._key, RSAPrivateKey) else "ed25519"

    def headers(self, method: str, path: str, wall_ms: int) -> dict[str, str]:
        """Headers of one request, signed here and now. A query string in ``path`` is left out."""
        text = f"{wall_ms}{method.upper()}{path.partition('?')[0]}".encode()
        if isinstance(self._key, RSAPrivateKey):
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT)
            signature = self._key.sign(text, pss, hashes.SHA256())
        else:
            signature = self._key.sign(text)
        return {
            "KALSHI-ACCESS-KEY": self._key_id,
            "KALSHI-ACCESS-TIMESTAMP": str(wall_ms),
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode("ascii"),
        }

    async def sign(self, method: str, path: str, wall_ms: int) -> dict[str, str]:
        """As ``headers``, but RSA is done by the worker thread so that the event loop stays free."""
        if not isinstance(self._key, RSAPrivateKey):
            return self.headers(method, path, wall_ms)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self.headers, method, path, wall_ms)

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)

    def __repr__(self) -> str:
        return f"Signer({self.kind}, ***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer holds a secret and is never pickled or copied")


def load_key(path: Path) -> PrivateKey:
    """The private key in a PEM file: a regular file of this user with mode 0600 or tighter, not a link."""
    pem = _read_private(path)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyFileError(
            f"The key file {path} is protected by a passphrase; save it without one (mode 0600)."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(_not_a_key(path, pem)) from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < _MIN_RSA_BITS:
            raise KeyFileError(
                f"The key file {path} holds an RSA key of {key.key_size} bits; "
                f"at least {_MIN_RSA_BITS} are needed."
            )
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise KeyFileError(f"The key file {path} holds a key of another kind; Kalshi takes RSA or Ed25519.")


def _not_a_key(path: Path, pem: bytes) -> str:
    if b"BEGIN PUBLIC KEY" in pem or b"BEGIN RSA PUBLIC KEY" in pem or b"BEGIN CERTIFICATE" in pem:
        return f"The key file {path} holds a public key; the private one is needed."
    return f"The key file {path} holds no private key in PEM form."


def _read_private(path: Path) -> bytes:
    # Non-blocking: opening a fifo would otherwise wait for a writer for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise KeyFileError(_cannot_open(path, error)) from None
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise KeyFileError(f"The key file {path} is not a regular file.")
        if info.st_uid != os.geteuid():
            raise KeyFileError(f"The key file {path} belongs to another user; copy it to a file of yours.")
        if info.st_mode & 0o077:
            mode = stat.S_IMODE(info.st_mode)
            raise KeyFileError(
                f"The key file {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}"
            )
        if info.st_size > _MAX_KEY_FILE:
            raise KeyFileError(f"The key file {path} is too large to be a key.")
        return os.read(fd, _MAX_KEY_FILE)
    except OSError as error:
        raise KeyFileError(_cannot_open(path, error)) from None
    finally:
        os.close(fd)


def _cannot_open(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"There is no key file {path}."
    if error.errno == errno.ELOOP:
        return f"The key file {path} is a link; name the file itself."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"The key file {path} can not be read by this user."
    return f"The key file {path} can not be read ({os.strerror(error.errno or 0)})."
