"""The signer of a timestamp: one certificate, named by issuer and serial number together."""

import pytest
from cryptography.x509 import load_der_x509_certificate

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.timestamp.token import Timestamp, verify_timestamp
from pyratify.testing.certificates import authority, forge, replacing
from pyratify.testing.revocation import NOW
from pyratify.testing.timestamps import TokenRecipe, make_token, timestamp_authority

ROOT = authority("tsa root")
TSA = timestamp_authority(ROOT)
MESSAGE = b"a signature"
# The same issuer and serial number, and another subject.
TWIN = forge(TSA, ROOT, replacing(b"timestamps", b"timestampz"))


def verify(recipe: TokenRecipe, message: bytes = MESSAGE) -> Timestamp:
    """Verify a token of the authority."""
    return verify_timestamp(make_token(TSA, MESSAGE, recipe), message, (parse_certificate(ROOT.der),), NOW)


def refusal(recipe: TokenRecipe, message: bytes = MESSAGE) -> str:
    """Return why a token is refused."""
    with pytest.raises(VerificationError) as caught:
        verify(recipe, message)
    assert caught.value.reason is Reason.TIMESTAMP_INVALID
    return caught.value.message


def test_a_signer_is_not_named_by_its_serial_number_alone() -> None:
    """Another issuer with the right number: serial numbers are an authority's own (RFC 5652, section 5.3)."""
    assert verify(TokenRecipe(signer=replacing(b"tsa root", b"tsa root")))
    assert "in the token 0 times" in refusal(TokenRecipe(signer=replacing(b"tsa root", b"tsa roof")))


def test_a_signer_is_not_named_by_its_issuer_alone() -> None:
    """Another number of the right issuer."""
    assert "in the token 0 times" in refusal(TokenRecipe(serial=lambda number: number + 1))


@pytest.mark.parametrize("twin_first", [True, False])
def test_two_certificates_that_fit_the_signer_are_one_too_many(twin_first: bool) -> None:
    """Whichever stands first: which of the two signed, the token cannot say."""
    one, two = (load_der_x509_certificate(der) for der in (TSA.der, TWIN.der))
    assert (one.issuer, one.serial_number) == (two.issuer, two.serial_number)
    recipe = TokenRecipe(certificates=lambda bag: (TWIN.der, *bag) if twin_first else (*bag, TWIN.der))
    assert "in the token 2 times" in refusal(recipe)


def test_the_same_certificate_twice_is_one() -> None:
    """A bag is a set."""
    assert verify(TokenRecipe(certificates=lambda bag: (*bag, *bag)))


def test_a_timestamp_of_another_signature_is_refused() -> None:
    """A good token, for what it was made for and for nothing else."""
    assert verify(TokenRecipe())
    assert "made for something else" in refusal(TokenRecipe(), b"another signature")
