"""Attacks on Notation's trusted identities: how names are parsed and compared."""

from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.testing.certificates import Issued, authority, forge, replacing, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import (
    make_verifier,
)
from pyratify.verifiers.notation.notation_plugin import NotationOptions, build
from pyratify.verifiers.notation.policy_document import short_trust_policy
from support.notation_bench import ROOT, details, judge, reason


class _Certificates:
    """A source of certificates that has one."""

    async def certificates(self) -> Any:
        """Return it."""
        return (ROOT.material,)


async def _certificates(sources: Any, path: str) -> _Certificates:
    return _Certificates()


@pytest.mark.parametrize(
    "identities", [None, (), ("",), ("*", "x509.subject: C=US,ST=WA,O=Example"), ("*", "*")]
)
async def test_atk_145_trusted_identities_are_written_out(identities: tuple[str, ...] | None) -> None:
    """No identities is not all identities; `*` counts if it is written, and stands alone."""
    options = NotationOptions(certificates=({"inline": {"certs": ""}},), trusted_identities=identities)
    resources: Any = SimpleNamespace(clock=FakeClock(), certificates=_certificates, base=None)
    with pytest.raises(ConfigurationError) as error:
        await build("notation", options, resources)
    assert error.value.path.startswith("trustedIdentities")


IDENTITY = "x509.subject: C=US, ST=WA, O=wabbit"


def _name(*parts: Any) -> x509.Name:
    relative = [
        part if isinstance(part, x509.RelativeDistinguishedName) else x509.RelativeDistinguishedName([part])
        for part in parts
    ]
    return x509.Name(relative)


def _attribute(oid: x509.ObjectIdentifier, value: str) -> x509.NameAttribute:
    return x509.NameAttribute(oid, value)


C, ST = _attribute(NameOID.COUNTRY_NAME, "US"), _attribute(NameOID.STATE_OR_PROVINCE_NAME, "WA")


def _organisation(value: str) -> x509.NameAttribute:
    return _attribute(NameOID.ORGANIZATION_NAME, value)


O, CN = _organisation("wabbit"), _attribute(NameOID.COMMON_NAME, "signer")  # noqa: E741
WABBIT = authority("wabbit")
TEXT = signer(ROOT, subject=_name(C, ST, O, CN))
DER_O = b"\x0c\x06wabbit"
NAMES: dict[str, Issued] = {
    "comma within": signer(ROOT, subject=_name(C, ST, _organisation("evil\\,O=wabbit"))),
    "commas within": signer(ROOT, subject=_name(_organisation("C=US, ST=WA, O=wabbit"))),
    "two organisations": signer(ROOT, subject=_name(C, ST, _organisation("B"), O)),
    "two organisations, good one first": signer(ROOT, subject=_name(C, ST, O, _organisation("B"))),
    "same organisation twice": signer(ROOT, subject=_name(C, ST, O, O)),
    "several values": signer(ROOT, subject=_name(C, ST, x509.RelativeDistinguishedName([O, CN]))),
    "hexadecimal": signer(ROOT, subject=_name(C, ST, _organisation("#0c06776162626974"))),
    "zero byte": signer(ROOT, subject=_name(C, ST, _organisation("wabbit\x00.evil"))),
    "zero byte at the end": signer(ROOT, subject=_name(C, ST, _organisation("wabbit\x00"))),
    "other case": signer(ROOT, subject=_name(C, ST, _organisation("Wabbit"))),
    "trailing space": signer(ROOT, subject=_name(C, ST, _organisation("wabbit "))),
    "leading space": signer(ROOT, subject=_name(C, ST, _organisation(" wabbit"))),
    "prefix": signer(ROOT, subject=_name(C, ST, _organisation("wabbits"))),
    "homograph": signer(ROOT, subject=_name(C, ST, _organisation("w\u0430bbit"))),
    "BMPString with other letters": forge(TEXT, ROOT, replacing(DER_O, b"\x1e\x06wabbit")),
    "other attribute": signer(ROOT, subject=_name(C, ST, _attribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "wabbit"))),
    "issuer's name only": signer(WABBIT, subject=_name(CN)),
    "nothing": signer(ROOT, subject=_name()),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_atk_146_a_name_that_is_not_exactly_the_trusted_one_is_refused(name: str) -> None:
    """Attributes are compared one by one; what could be read in two ways matches nothing."""
    anchors = make_verifier(ROOT, WABBIT, identities=(IDENTITY,))
    assert await reason(leaf=NAMES[name], verifier=anchors) is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize(
    "identity",
    [
        IDENTITY,
        "x509.subject: O=wabbit,S=WA,C=US",
        "x509.subject:CN=signer,O=wabbit,ST=WA,C=US",
        "x509.subject: c=US, st=WA, o=\\77abbit",
    ],
)
async def test_atk_146_the_trusted_name_is_accepted_however_it_is_written(identity: str) -> None:
    """Order, blanks between attributes, aliases and escapes make no difference."""
    details(await judge(leaf=TEXT, verifier=make_verifier(ROOT, identities=(identity,))))


@pytest.mark.parametrize("text", [b"\x14\x06wabbi\xf4", b"\x1b" + DER_O[1:], b"\x03" + DER_O[1:]])
async def test_atk_146_a_name_in_a_string_type_that_has_several_readings_is_refused(text: bytes) -> None:
    """TeletexString beyond ASCII, GeneralString, and what is no text: the certificate or its name is refused."""
    leaf = forge(TEXT, ROOT, replacing(DER_O, text))
    refused = await reason(leaf=leaf, verifier=make_verifier(ROOT, identities=(IDENTITY,)))
    assert refused in (Reason.CHAIN_INVALID, Reason.IDENTITY_MISMATCH)


@pytest.mark.parametrize("tag", [0x13, 0x14, 0x16, 0x1A])
async def test_atk_146_the_trusted_name_is_accepted_in_every_string_type(tag: int) -> None:
    """A certificate of another authority may write the same letters as PrintableString, TeletexString and so on."""
    leaf = forge(TEXT, ROOT, replacing(DER_O, bytes((tag,)) + DER_O[1:]))
    details(await judge(leaf=leaf, verifier=make_verifier(ROOT, identities=(IDENTITY,))))


@pytest.mark.parametrize(
    "identities",
    [
        ("x509.subject: CN=x",),
        ("x509.subject: C=US, ST=WA",),
        ("x509.subject: C=US, O=x",),
        ("x509.subject: ST=WA, O=x",),
        ("x509.subject: C=US, ST=WA, O=x, OU=y", "x509.subject: C=US, ST=WA, O=x"),
        ("x509.subject: C=US, ST=WA, O=x", "x509.subject: O=x,ST=WA,C=US"),
        ("x509.subject: C=US, ST=WA, O=x, O=y",),
        ("x509.subject: C=US, ST=WA, O=x, S=y",),
        ("x509.subject: C=US, ST=WA, O=x+CN=y",),
        ("x509.subject: C=US, ST=WA, O=#0401",),
        ("x509.subject: C=US, ST=WA, O=",),
        ("x509.subject: C=US, ST=WA, O=x;",),
        ("x509.subject: C=US, ST=WA, O=x,",),
        ("x509.subject: C=US, ST=WA, O=x\\",),
        ("x509.subject: C=US, ST=WA, O=\\ff",),
        ('x509.subject: C=US, ST=WA, O="x"',),
        ("x509.subject: C=US, ST=WA, O=x\x00",),
        ("x509.subject: C=US, ST=WA, 2.5.4.10=x",),
        ("x509.subject: C=US, ST=WA, O=" + "x" * 2000,),
        ("x509.subject C=US, ST=WA, O=x",),
        ("C=US, ST=WA, O=x",),
        ("x509.issuer: C=US, ST=WA, O=x",),
    ],
)
def test_atk_147_identities_that_are_vague_or_overlap_are_refused(identities: tuple[str, ...]) -> None:
    """Country, state and organisation are there, each attribute once, and no two identities cover one signer."""
    with pytest.raises(ConfigurationError):
        short_trust_policy(identities=identities, stores=["ca:test"])
