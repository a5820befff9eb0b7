"""Certificates for the tests of cosign."""

from pathlib import Path

import pytest

CERTIFICATE = Path(__file__).resolve().parents[3] / "examples" / "material" / "certs" / "ca.pem"


@pytest.fixture(scope="session")
def certificate() -> bytes:
    """Some real certificate in PEM."""
    return CERTIFICATE.read_bytes()
