"""Servers on loopback with certificates made on the spot."""

from pathlib import Path

import pytest

from pyratify.serving.tls.reloading import TlsFiles


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    """Files of a server's identity and of its clients' authority."""
    return TlsFiles(tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "ca.crt")
