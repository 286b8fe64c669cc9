"""A key on P-256 and its self-signed certificate, by the standard library alone.

Python's `ssl` uses certificates and makes none, and `openssl` is not everywhere. This runs once
for each server, by its own user, and does no more than draw a number and sign one text of our own;
every handshake is OpenSSL's. Who calls has the certificate's hash (token.py), so what is in it has
no meaning.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def added(p: tuple[int, int] | None, q: tuple[int, int] | None) -> tuple[int, int] | None:
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0]:
        if (p[1] + q[1]) % PRIME == 0:
            return None
        slope = 3 * (p[0] * p[0] - 1) * inverse(2 * p[1], PRIME)  # a = -3
    else:
        slope = (q[1] - p[1]) * inverse(q[0] - p[0], PRIME)
    x = (slope * slope - p[0] - q[0]) % PRIME
    return x, (slope * (p[0] - x) - p[1]) % PRIME


def multiplied(factor: int, point: tuple[int, int] | None) -> tuple[int, int] | None:
    result = None
    while factor:
        if factor & 1:
            result = added(result, point)
        point = added(point, point)
        factor >>= 1
    return result


def inverse(number: int, prime: int) -> int:
    return pow(number, prime - 2, prime)


def point_of(key: int) -> tuple[int, int]:
    point = multiplied(key, BASE)
    assert point is not None  # 0 < key < ORDER
    return point


def signature(key: int, message: bytes) -> bytes:
    """ECDSA with SHA-256, DER."""
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    while True:
        nonce = 1 + secrets.randbelow(ORDER - 1)
        r = point_of(nonce)[0] % ORDER
        s = inverse(nonce, ORDER) * (digest + r * key) % ORDER
        if r and s:
            return tagged(0x30, integer(r) + integer(s))


# --- DER -----------------------------------------------------------------------------------------


def tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(number: int) -> bytes:
    return tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bit_string(content: bytes) -> bytes:
    return tagged(0x03, b"\0" + content)


P256 = tagged(0x06, bytes.fromhex("2a8648ce3d030107"))
EC_PUBLIC_KEY = tagged(0x06, bytes.fromhex("2a8648ce3d0201"))
ECDSA_SHA256 = tagged(0x30, tagged(0x06, bytes.fromhex("2a8648ce3d040302")))
COMMON_NAME = tagged(0x06, bytes.fromhex("550403"))


def pem(label: str, der: bytes) -> str:
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def make_certificate() -> tuple[str, bytes]:
    """(PEM of the private key and the certificate, the certificate's DER)."""
    key = 1 + secrets.randbelow(ORDER - 1)
    x, y = point_of(key)
    public = bit_string(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    name = tagged(0x30, COMMON_NAME + tagged(0x0C, b"elsewhere"))
    name = tagged(0x30, tagged(0x31, name))
    valid = tagged(0x30, tagged(0x17, b"200101000000Z") + tagged(0x18, b"99991231235959Z"))
    serial = integer(secrets.randbits(120) + 1)
    about_key = tagged(0x30, tagged(0x30, EC_PUBLIC_KEY + P256) + public)
    content = tagged(0x30, serial + ECDSA_SHA256 + name + valid + name + about_key)
    certificate = tagged(0x30, content + ECDSA_SHA256 + bit_string(signature(key, content)))
    private = tagged(
        0x30,
        integer(1)
        + tagged(0x04, key.to_bytes(32, "big"))
        + tagged(0xA0, P256)
        + tagged(0xA1, public),
    )
    return pem("EC PRIVATE KEY", private) + pem("CERTIFICATE", certificate), certificate
