"""Trust stores are folders as notation lays them out, whole or not at all."""

import os
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.testing.certificates import authority
from pyratify.verifiers.notation.trust_anchors import load_anchors
from pyratify.verifiers.notation.trust_policy import StoreName
from pyratify.verifiers.notation.truststore import load_trust_store

ROOT = authority()
STORE = StoreName("ca", "acme")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of one named store with one certificate."""
    folder = tmp_path / "x509" / "ca" / "acme"
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(ROOT.pem)
    return folder


def refused(root: Path) -> str:
    """Return why the store is refused."""
    with pytest.raises(ConfigurationError) as error:
        load_trust_store(root, [STORE])
    assert error.value.reason is Reason.KEY_UNAVAILABLE
    assert "ca:acme" in error.value.message
    return error.value.message


def test_every_certificate_file_is_read_in_order(tmp_path: Path, folder: Path) -> None:
    """Whatever they are called, PEM and DER by their content, and nothing from folders within."""
    (folder / "a.crt").write_bytes(ROOT.der)
    (folder / "b.cer").write_bytes(ROOT.pem)
    (folder / "c.der").write_bytes(ROOT.der)
    (folder / "d.DER").write_bytes(ROOT.pem)
    (folder / "e").write_bytes(ROOT.der)
    (folder / "within").mkdir()
    (folder / "within" / "broken.pem").write_bytes(b"garbage")
    (documents,) = load_trust_store(tmp_path, [STORE]).values()
    names = [Path(document.origin).name for document in documents]
    assert names == ["a.crt", "b.cer", "c.der", "d.DER", "e", "root.pem"]
    assert load_anchors({STORE: documents}) == {STORE: {ROOT.der}}


def test_only_the_stores_that_are_asked_for_are_read(tmp_path: Path, folder: Path) -> None:
    """A damaged store that no policy names does no harm."""
    other = folder.parent / "other"
    other.mkdir()
    (other / "x.txt").write_bytes(b"")
    assert set(load_trust_store(tmp_path, [STORE])) == {STORE}


def test_atk_238_a_missing_store_is_refused(tmp_path: Path) -> None:
    """No folder is not an empty set of anchors."""
    assert "no such folder" in refused(tmp_path)


def test_atk_238_an_empty_store_is_refused(tmp_path: Path, folder: Path) -> None:
    """Nor is an empty folder."""
    (folder / "root.pem").unlink()
    assert "no certificate file" in refused(tmp_path)


@pytest.mark.parametrize("name", [".hidden.pem", "root.pem~", "root.pem.bak", "root.pem.OLD"])
def test_atk_238_other_files_in_a_store_are_refused(tmp_path: Path, folder: Path, name: str) -> None:
    """Hidden files and copies of editors may hold certificates that are not trusted any more."""
    (folder / name).write_bytes(ROOT.pem)
    assert name in refused(tmp_path)


def test_atk_238_a_file_that_is_no_certificate_makes_the_store_unusable(tmp_path: Path, folder: Path) -> None:
    """Its content tells, and its name is said."""
    (folder / "README").write_text("The roots of Acme.")
    with pytest.raises(ConfigurationError, match="README: it is neither DER nor a text with a PEM block"):
        load_anchors(load_trust_store(tmp_path, [STORE]))


def test_atk_238_symbolic_links_are_not_followed(tmp_path: Path, folder: Path) -> None:
    """Neither for certificates nor for the store, as the specification asks."""
    (folder / "link.pem").symlink_to(folder / "root.pem")
    assert "symbolic links" in refused(tmp_path)
    (folder / "link.pem").unlink()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert "no such folder" in refused(tmp_path)


def test_atk_238_a_file_that_is_too_large_is_refused(tmp_path: Path, folder: Path) -> None:
    """No certificate has more than a mebibyte."""
    (folder / "large.pem").write_bytes(bytes(1024 * 1024 + 1))
    assert "has more than 1048576 bytes" in refused(tmp_path)


def test_atk_238_a_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read is not left out."""

    def fail(path: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", fail)
    assert "Permission denied" in refused(tmp_path)
