"""Secrets at rest: AES-256-GCM under keys that come from a file or the environment, never from the database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "v1"
NONCE_BYTES = 12
PURPOSE = b"ovzpanel secrets at rest, v1:"


class SecretUnreadable(Exception):
    """None of the panel's keys opens a stored secret: the key file is another one, or the row was changed."""


def seal(plain: str, *, keys: Sequence[str], context: str) -> str:
    """Return the text sealed with the first key. It opens in the same context only, so no row can borrow another's."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(keys[0]).encrypt(nonce, plain.encode(), context.encode())
    return f"{VERSION}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, keys: Sequence[str], context: str) -> str:
    """Return the plain text, by whichever key opens it: an old one stays in the list until all is sealed anew.

    :raises SecretUnreadable:
    """
    version, _, body = sealed.partition(":")
    raw = _decoded(body) if version == VERSION else b""
    for key in keys:
        try:
            return _cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode()).decode()
        except (InvalidTag, ValueError):
            continue
    raise SecretUnreadable(f"no key of the panel opens the secret of {context}; is its key file the right one?")


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


def _cipher(key: str) -> AESGCM:
    return AESGCM(hashlib.sha256(PURPOSE + key.encode()).digest())
