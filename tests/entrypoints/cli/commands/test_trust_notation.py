"""`ratify trust notation`: trust policies and trust stores, listed and checked."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pyratify.testing.certificates import Issued, authority, signer

Run = Callable[..., Any]
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path, material: Path) -> Path:
    """Notation's folder in the user's configuration, with nothing wrong in it."""
    folder = tmp_path / "home" / ".config" / "notation"
    shutil.copytree(material / "truststore", folder / "truststore")
    shutil.copy(material / "trustpolicy.json", folder)
    return folder


def put(folder: Path, certificate: Issued, store: str = "ca/demo") -> None:
    """Put a certificate into a trust store, alone."""
    path = folder / "truststore" / "x509" / store
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    (path / "x.pem").write_bytes(certificate.pem)


def change(folder: Path, file: str = "trustpolicy.json", **members: Any) -> None:
    """Change the first statement of a trust policy."""
    document = json.loads((folder / "trustpolicy.json").read_bytes())
    statement = document["trustPolicies"][0] | members
    document["trustPolicies"] = [{key: value for key, value in statement.items() if value is not None}]
    (folder / file).write_text(json.dumps(document))


def found(run: Run, *flags: object) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    """Return the exit code, everything that was said, and the severities and codes of the findings."""
    result = run("trust", "notation", "-o", "json", *flags)
    facts = json.loads(result.out)
    return result.code, facts, [(each["severity"], each["code"]) for each in facts["findings"]]


def test_what_is_trusted_is_listed(folder: Path, run: Run) -> None:
    """Statements, trust stores and certificates, the same from each flag that names them."""
    flags: tuple[tuple[object, ...], ...] = (
        (),
        ("--notation",),
        ("--notation-config", folder),
        ("--trust-policy", folder / "trustpolicy.json", "--trust-store", folder / "truststore"),
    )
    for given in flags:
        code, facts, findings = found(run, *given)
        assert (code, findings) == (0, [])
        assert facts["trustPolicies"][0]["trustStores"] == ["ca:demo"]
        assert facts["trustStores"][0]["usedBy"] == ["demo"]
        assert len(facts["trustStores"][0]["certificates"][0]["SHA256Fingerprint"]) == 64
    assert "ca:demo" in run("trust", "notation").out


@pytest.mark.parametrize(
    ("certificate", "finding"),
    [
        (lambda: authority(not_after=NOW - DAY), ("error", "CERT_EXPIRED")),
        (lambda: authority(not_before=NOW + DAY), ("error", "CERT_EXPIRED")),
        (lambda: authority(not_after=NOW + 29 * DAY), ("warning", "EXPIRES_SOON")),
        (lambda: authority(not_after=NOW + 31 * DAY), None),
        (lambda: authority(kind="p224"), ("error", "CERT_WEAK")),
        (lambda: signer(authority()), ("error", "KEY_INVALID")),
    ],
)
def test_certificates_are_checked(
    certificate: Callable[[], Issued], finding: tuple[str, str] | None, folder: Path, run: Run, tmp_path: Path
) -> None:
    """In a trust store and in a file of its own; an error ends with 1, a warning with 0."""
    put(folder, certificate())
    path = tmp_path / "x.pem"
    path.write_bytes(certificate().pem)
    for flags in ((), ("--cert", path)):
        code, _, findings = found(run, *flags)
        assert findings == ([finding] if finding else [])
        assert code == (1 if finding and finding[0] == "error" else 0)


def test_a_trust_store_that_is_missing_or_broken_is_an_error(folder: Path, run: Run) -> None:
    """A statement that names it denies everything."""
    store = folder / "truststore" / "x509" / "ca" / "demo"
    (store / "more.pem").write_text("garbage")
    assert found(run)[::2] == (1, [("error", "KEY_INVALID")])
    (store / "more.pem").rename(store / "more.pem.bak")
    assert found(run)[::2] == (1, [("error", "KEY_UNAVAILABLE")])
    shutil.rmtree(store)
    assert found(run)[::2] == (1, [("error", "KEY_UNAVAILABLE")])
    shutil.rmtree(folder / "truststore")
    assert found(run)[0] == 1


def test_what_no_statement_uses_is_a_warning(folder: Path, run: Run) -> None:
    """Nothing in such a trust store has to be mended; one that the policy for blobs names is used."""
    put(folder, authority(not_after=NOW - DAY), "ca/old")
    code, _, findings = found(run)
    assert (code, findings) == (0, [("warning", "UNUSED"), ("warning", "CERT_EXPIRED")])
    change(folder, "trustpolicy.blob.json", registryScopes=None, trustStores=["ca:old"])
    assert found(run)[::2] == (1, [("error", "CERT_EXPIRED")])


def test_a_policy_that_cannot_be_read_is_an_error_and_leaves_nothing_unused(folder: Path, run: Run) -> None:
    """The trust stores that it names are not known."""
    put(folder, authority(), "ca/other")
    change(folder, signatureVerification={"level": "lenient"})
    code, facts, findings = found(run)
    assert (code, findings) == (1, [("error", "CONFIG_INVALID")])
    assert "trustPolicies[0].signatureVerification.level" in facts["findings"][0]["message"]
    (folder / "trustpolicy.json").write_text("{")
    assert found(run)[0] == 1
    (folder / "trustpolicy.json").unlink()
    assert found(run)[0] == 1


@pytest.mark.parametrize(
    "members",
    [
        {"signatureVerification": {"level": "skip"}, "trustStores": None, "trustedIdentities": None},
        {"signatureVerification": {"level": "strict", "override": {"revocation": "skip"}}},
    ],
)
def test_a_statement_that_skips_is_a_warning(members: dict[str, Any], folder: Path, run: Run) -> None:
    """It is the author's own word, so nothing has to be mended."""
    change(folder, **members)
    code, _, findings = found(run)
    assert code == 0
    assert ("warning", "SKIPS") in findings


@pytest.mark.parametrize(
    "flags",
    [
        ("--trust-policy", "x"),
        ("--cert", "x", "--notation"),
        ("--cert", "absent.pem"),
        ("--notation-config", "absent"),
        ("--trust-policy", "absent", "--trust-store", "x"),
        ("--notation", "--trust-store", "x"),
        ("--unknown",),
    ],
)
def test_a_wrong_command_line_is_three(flags: tuple[str, ...], run: Run) -> None:
    """As is a file that is not there."""
    result = run("trust", "notation", *flags)
    assert (result.code, result.out) == (3, "")
    assert result.err


def test_control_characters_are_not_shown(folder: Path, run: Run) -> None:
    """What a document says cannot move the cursor."""
    change(folder, name="\x1b[2Jdemo")
    assert "\x1b" not in run("trust", "notation").out
