"""Attacks on certificate extensions, malformed certificates and keys that resemble others."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.reason import Reason
from pyratify.pki.der import SEQUENCE
from pyratify.testing.certificates import (
    Issued,
    Profile,
    authority,
    element,
    forge,
    issue,
    replacing,
    signer,
    with_public_key,
)
from pyratify.testing.notation import make_verifier
from support.notation_bench import FORMATS, LEAF, MIDDLE, ROOT, details, judge, reason


def _integer(value: int) -> bytes:
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return element(0x03, b"\x00" + content)


UNKNOWN = ("1.3.6.1.4.1.99999.1", True, b"\x05\x00")
ELSEWHERE = x509.NameConstraints([x509.DirectoryName(x509.Name.from_rfc4514_string("O=elsewhere"))], None)
EXTENSIONS = {
    "unknown in the leaf": signer(ROOT, extra=[UNKNOWN]),
    "unknown in an authority": signer(authority("extended", issuer=ROOT, extra=[UNKNOWN])),
    "name constraints": signer(authority("constrained", issuer=ROOT, extensions=[(ELSEWHERE, True)])),
}


@pytest.mark.parametrize("name", EXTENSIONS)
async def test_atk_159_critical_extensions_are_reported_or_refused(name: str) -> None:
    """The specification leaves them unread, so they are a warning; `strictExtensions` refuses them."""
    leaf = EXTENSIONS[name]
    report = details(await judge(leaf=leaf))
    assert [warning.reason for warning in report.warnings] == [Reason.CERT_CRITICAL_EXT]
    strict = make_verifier(ROOT, strict_extensions=True)
    assert await reason(leaf=leaf, verifier=strict) is Reason.CERT_CRITICAL_EXT


async def test_atk_159_extensions_that_are_not_critical_are_no_warning() -> None:
    """An extension that may be ignored needs no warning."""
    leaf = signer(ROOT, extra=[(UNKNOWN[0], False, UNKNOWN[2])])
    strict = make_verifier(ROOT, strict_extensions=True)
    assert details(await judge(leaf=leaf, verifier=strict)).warnings == ()


BC, KU, EKU = (bytes((6, 3, 0x55, 0x1D, last)) for last in (19, 15, 37))
SERIAL = bytes.fromhex("0102030405060708")


def _mutant(old: bytes, new: bytes, **changes: Any) -> Issued:
    return forge(signer(MIDDLE, **changes), MIDDLE, replacing(old, new))


MUTANTS = {
    "basicConstraints twice": _mutant(KU, BC),
    "keyUsage twice": _mutant(BC, KU),
    "extKeyUsage twice": _mutant(KU, EKU),
    "keyUsage is no bit string": _mutant(b"\x03\x02\x07\x80", b"\x04\x02\x07\x80"),
    "keyUsage has unused bits": _mutant(b"\x03\x02\x07\x80", b"\x03\x02\x09\x80"),
    "critical is neither true nor false": _mutant(b"\x01\x01\xff", b"\x01\x01\x01"),
    "basicConstraints is cut off": _mutant(BC + b"\x01\x01\xff\x04\x02\x30\x00", BC + b"\x01\x01\xff\x04\x02\x30\x05"),
    "extension value is no DER": _mutant(b"\x04\x02\x30\x00", b"\x04\x02\xff\xff"),
    "version 1": _mutant(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x00"),
    "unknown version": _mutant(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
    "country is not text": _mutant(b"\x0c\x06signer", b"\x0c\x06\xff\xfe\xfdner"),
    "time is no time": _mutant(b"\x17\x0d200101000000Z", b"\x17\x0d209901000000Z"),
    "time without zone": _mutant(b"\x17\x0d200101000000Z", b"\x17\x0d200101000000+"),
    "unknown kind of key": _mutant(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209")),
    "point not on the curve": _mutant(b"\x03\x42\x00\x04", b"\x03\x42\x00\x05"),
    "signature algorithms differ": _mutant(bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040303")),
}  # fmt: skip


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", MUTANTS)
async def test_atk_160_a_malformed_certificate_is_refused_before_it_is_used(
    name: str, media_type: str
) -> None:
    """Signed by the trusted authority all the same; everything is parsed before anything is believed."""
    code = await reason(media_type=media_type, leaf=MUTANTS[name])
    assert code in ({Reason.CERT_WEAK, Reason.CHAIN_INVALID} if "key" in name or "point" in name else {Reason.CHAIN_INVALID})  # fmt: skip


@pytest.mark.parametrize("first", [0x00, 0x80, 0xFF])
async def test_atk_160_serial_numbers_are_positive(first: int) -> None:
    """Zero and negative numbers are refused, without a warning from any library."""
    leaf = signer(MIDDLE)
    position = leaf.der.index(b"\xa0\x03\x02\x01\x02\x02") + 6
    length = leaf.der[position]
    old = leaf.der[position : position + 1 + length]
    new = bytes((length, first)) + (bytes(length - 1) if first == 0 else old[2:])
    assert await reason(leaf=forge(leaf, MIDDLE, replacing(old, new))) is Reason.CHAIN_INVALID


async def test_atk_161_many_authorities_of_one_name_cost_nothing() -> None:
    """No path is searched for: a chain has at most ten certificates, in order."""
    twins = [authority("twin", which=0, issuer=ROOT).der for _ in range(20)]
    leaf = Issued(LEAF.der, LEAF.key, (*twins, ROOT.der))
    assert await reason(leaf=leaf) is Reason.CHAIN_INVALID


async def test_atk_161_a_huge_key_is_refused_before_it_is_used() -> None:
    """A modulus of 16,384 bits, in a certificate that the trusted authority signed."""
    public = rsa.RSAPublicNumbers(65537, (1 << 16383) | 1).public_key()

    class _Key:
        def public_key(self) -> Any:
            return public

    leaf = issue(Profile(), _Key(), MIDDLE)
    assert await reason(leaf=Issued(leaf.der, LEAF.key, leaf.above)) is Reason.CHAIN_INVALID


def _explicit(generator: bytes) -> bytes:
    """Return the parameters of P-256 written out, with a generator of the author's choice."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = bytes.fromhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = element(SEQUENCE, bytes.fromhex("06072a8648ce3d0101") + _integer(prime))
    curve = element(SEQUENCE, element(0x04, (prime - 3).to_bytes(32, "big")) + element(0x04, b))
    return element(
        SEQUENCE, _integer(1) + field + curve + element(0x04, generator) + _integer(order) + _integer(1)
    )


async def test_atk_162_explicit_curve_parameters_are_refused() -> None:
    """A curve that brings its own generator is not the named curve that it resembles."""
    leaf = signer(MIDDLE)
    point = leaf.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    algorithm = element(SEQUENCE, bytes.fromhex("06072a8648ce3d0201") + _explicit(point))
    forged = with_public_key(leaf, MIDDLE, element(SEQUENCE, algorithm + _bits(point)))
    assert await reason(leaf=forged) in (Reason.CERT_WEAK, Reason.CHAIN_INVALID)


async def test_atk_162_the_same_key_on_its_named_curve_is_accepted() -> None:
    """What the attack changes is the curve alone."""
    leaf = signer(MIDDLE)
    spki = leaf.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    details(await judge(leaf=with_public_key(leaf, MIDDLE, spki)))


async def test_atk_162_an_authority_is_matched_by_all_its_bytes() -> None:
    """The trusted authority's name and key in a certificate of another serial number are not trusted."""
    reissued = authority()
    assert reissued.der != ROOT.der
    assert reissued.key is ROOT.key
    assert await reason(leaf=signer(reissued)) is Reason.CHAIN_UNTRUSTED
