"""Certificates as they are shown: compared with what was shown before, never trusted."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from functools import cache

from cryptography import x509

from migrations_app.adapters.saying import clean
from migrations_app.ports.probe import Certificate

MOST_NAMES = 20
LONGEST_NAME = 100


@cache
def believing_anything() -> ssl.SSLContext:
    """Return a context for looking: old servers are looked at too, and nothing is verified, sent or believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def seen_on(writer: asyncio.StreamWriter) -> Certificate | None:
    connection: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    encoded = connection.getpeercert(binary_form=True) if connection is not None else None
    return read(encoded) if encoded else None


def read(encoded: bytes) -> Certificate:
    """One that cannot be read still has a fingerprint."""
    fingerprint = hashlib.sha256(encoded).hexdigest()
    try:
        found = x509.load_der_x509_certificate(encoded)
        not_after, names = found.not_valid_after_utc.isoformat(), _names(found)
    except (ValueError, x509.InvalidVersion, x509.UnsupportedGeneralNameType):  # of these only one is a ValueError
        not_after, names = "", ()
    return Certificate(fingerprint=fingerprint, not_after=not_after, names=names)


def _names(found: x509.Certificate) -> tuple[str, ...]:
    """Return the names that it is for, sorted; its common name where it lists none."""
    try:
        listed = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(name) for name in listed.get_values_for_type(x509.DNSName)]
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        names = [str(one.value) for one in found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return tuple(sorted({clean(name, LONGEST_NAME) for name in names}))[:MOST_NAMES]
