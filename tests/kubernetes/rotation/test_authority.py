"""The certificates that are made."""

import ssl
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.rotation.authority import Lifetimes, encode, make_authority, make_leaf
from pyratify.kubernetes.rotation.secret_contents import SecretContents, ServiceNames, examine
from support.rotations import LIVES, NOW, SECOND, SERVICE


@pytest.mark.parametrize("name", SERVICE.names)
def test_an_independent_verifier_accepts_a_new_certificate(name: str) -> None:
    """Under each of the service's names, at both ends of its life and not outside of it."""
    authority = make_authority(SERVICE, NOW, LIVES)
    leaf = make_leaf(SERVICE, authority, NOW, LIVES)
    policy = PolicyBuilder().store(Store([authority.certificate]))
    for moment in (NOW - LIVES.backdate, NOW, NOW + LIVES.leaf):
        chain = policy.time(moment).build_server_verifier(x509.DNSName(name)).verify(leaf.certificate, [])
        assert chain == [leaf.certificate, authority.certificate]
    for moment in (NOW - LIVES.backdate - SECOND, NOW + LIVES.leaf + SECOND):
        with pytest.raises(x509.verification.VerificationError):
            policy.time(moment).build_server_verifier(x509.DNSName(name)).verify(leaf.certificate, [])


def test_another_name_is_not_in_it() -> None:
    """Neither a service beside it nor anything below."""
    authority = make_authority(SERVICE, NOW, LIVES)
    leaf = make_leaf(SERVICE, authority, NOW, LIVES)
    policy = PolicyBuilder().store(Store([authority.certificate])).time(NOW)
    for name in ("other.gatekeeper-system.svc", f"a.{SERVICE.names[1]}", SERVICE.name):
        with pytest.raises(x509.verification.VerificationError):
            policy.build_server_verifier(x509.DNSName(name)).verify(leaf.certificate, [])


def test_keys_and_usages_are_what_they_are_for() -> None:
    """P-256 keys, new ones each time; the authority signs certificates and the certificate serves."""
    authority = make_authority(SERVICE, NOW, LIVES)
    leaf, other = (make_leaf(SERVICE, authority, NOW, LIVES) for _ in range(2))
    for one in (authority, leaf):
        assert isinstance(one.key.curve, ec.SECP256R1)
        assert one.certificate.serial_number.bit_length() > 100
    assert leaf.certificate.public_key() != other.certificate.public_key()
    assert leaf.certificate.serial_number != other.certificate.serial_number
    usage = authority.certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (
        True,
        True,
        False,
    )
    constraints = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = leaf.certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
    purposes = leaf.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_two_authorities_of_one_service_have_different_names() -> None:
    """So that a client with both in its bundle cannot take one for the other."""
    one, other = (make_authority(SERVICE, NOW, LIVES) for _ in range(2))
    assert one.certificate.subject != other.certificate.subject


def test_a_leaf_never_outlives_its_authority() -> None:
    """It ends with it, and does not begin before it."""
    authority = make_authority(SERVICE, NOW, LIVES)
    leaf = make_leaf(SERVICE, authority, authority.ends - timedelta(days=1), LIVES)
    assert leaf.ends == authority.ends
    early = make_leaf(SERVICE, authority, NOW, replace(LIVES, backdate=timedelta(days=9)))
    assert early.begins == authority.begins


def test_names_as_long_as_kubernetes_allows_fit() -> None:
    """Sixty-three characters each, where a common name has room for 64."""
    service = ServiceNames("n" * 63, "m" * 63)
    leaf = make_leaf(service, make_authority(service, NOW, LIVES), NOW, LIVES)
    names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(names.get_values_for_type(x509.DNSName)) == service.names


def test_other_names_and_addresses_can_be_added() -> None:
    """Another cluster domain, and addresses of both kinds."""
    service = ServiceNames("a", "b", ("a.b.svc.example", "127.0.0.1", "::1"))
    authority = make_authority(service, NOW, LIVES)
    leaf = make_leaf(service, authority, NOW, LIVES)
    policy = PolicyBuilder().store(Store([authority.certificate])).time(NOW)
    for subject in (
        x509.DNSName("a.b.svc.example"),
        x509.DNSName("a.b.svc"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ):
        policy.build_server_verifier(subject).verify(leaf.certificate, [])
    pem, key = encode(leaf)
    found = examine(SecretContents(certificate=pem, key=key))
    assert found.names == frozenset(service.names)


def test_the_strictest_tls_library_takes_them() -> None:
    """OpenSSL with X509_STRICT reads the authority, and the pair can be used by a server."""
    authority = make_authority(SERVICE, NOW, LIVES)
    context = ssl.create_default_context(cadata=encode(authority)[0].decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"leaf": timedelta(days=10)},
        {"renew_leaf": timedelta(days=90)},
        {"authority": timedelta(days=90)},
        {"renew_authority": timedelta(days=89)},
        {"urgent": timedelta(0)},
        {"overlap": timedelta(seconds=-1)},
        {"backdate": timedelta(seconds=-1)},
    ],
)
def test_lifetimes_that_do_not_go_together_are_refused(change: dict[str, timedelta]) -> None:
    """Nothing may end before it is renewed."""
    with pytest.raises(ConfigurationError):
        Lifetimes(**change)
