"""Files of certificate authorities that configurations name."""

import ssl
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.pki.certificate_authorities import read_authorities
from pyratify.testing.tls import Authority


@pytest.mark.parametrize("form", ["PEM", "as tools write it", "DER"])
def test_every_form_is_read_as_plain_pem(form: str, tmp_path: Path) -> None:
    """With text of any encoding around the blocks, or as one certificate in DER."""
    authority = Authority()
    given = {
        "PEM": authority.pem.encode(),
        "as tools write it": f"Subject: CN = \u00e9\n{authority.pem}\n# end".encode(),
        "DER": ssl.PEM_cert_to_DER_cert(authority.pem),
    }[form]
    (tmp_path / "ca").write_bytes(given)
    assert read_authorities("ca", tmp_path, "caFile").split() == authority.pem.split()
    assert (
        read_authorities(str(tmp_path / "ca"), Path("/elsewhere"), "caFile").split() == authority.pem.split()
    )


def test_where_none_is_named_there_is_none(tmp_path: Path) -> None:
    """The system's count then."""
    assert read_authorities("", tmp_path, "caFile") == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "ca.pem cannot be read"),
        ("none", "ca.pem: it is neither DER nor a text with a PEM block"),
        (
            "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n",
            "ca.pem: it holds a block 'PUBLIC KEY'",
        ),
        ("-----BEGIN CERTIFICATE-----\nAA==\n", "ca.pem: "),
    ],
)
def test_what_is_none_is_said_with_file_and_option(text: str | None, says: str, tmp_path: Path) -> None:
    """And what to do about it."""
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_authorities("ca.pem", tmp_path, "opa.caFile")
    assert caught.value.path == "opa.caFile"
    assert caught.value.detail.startswith(says)
    assert caught.value.remedy
