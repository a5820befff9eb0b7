"""Attacks on trusted roots: their distribution through TUF, and trusted roots that are not whole."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import MetaFile, Root, Snapshot, Timestamp

from pyratify.core.errors import ConfigurationError, InconclusiveError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore import tuf as refreshing
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.signed_content import Artifact
from pyratify.sigstore.trusted_root import load_trusted_root
from pyratify.sigstore.tuf import TARGET, Repository, check_mirror, refresh
from pyratify.testing.cosign import CosignKey, statement
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from support.tuf_repository import LATER, URL, Simulator

SIGSTORE = PrivateSigstore()


def refused(simulator: Simulator, folder: Path) -> None:
    """The refresh fails with its code, and what was kept before is kept."""
    kept = folder / "test" / TARGET
    before = kept.read_bytes() if kept.exists() else None
    with pytest.raises(InconclusiveError) as caught:
        simulator.refresh(folder)
    assert caught.value.reason is Reason.TRUST_ROOT
    assert (kept.read_bytes() if kept.exists() else None) == before


def test_a_root_that_is_published_is_kept(tmp_path: Path) -> None:
    """What the attacks start from; a second refresh brings a new one."""
    simulator = Simulator()
    assert simulator.refresh(tmp_path) == simulator.target
    simulator.version, simulator.target = 2, PrivateSigstore("second").root.data
    simulator.publish()
    assert simulator.refresh(tmp_path) == simulator.target


def rollback(simulator: Simulator) -> None:
    """Version 1 again, after version 2."""
    simulator.files["timestamp.json"] = simulator.old


def mixed(simulator: Simulator) -> None:
    """The targets of version 1 under the snapshot of version 3."""
    simulator.version = 3
    simulator.publish()
    simulator.files["3.targets.json"] = simulator.files["1.targets.json"]


def expired(simulator: Simulator) -> None:
    """Everything signed, and out of date."""
    simulator.version, simulator.expires = 3, datetime(2020, 1, 1, tzinfo=UTC)
    simulator.publish()


def without_target(simulator: Simulator) -> None:
    """The snapshot no longer lists what it listed."""
    simulator.version = 3
    simulator.files["timestamp.json"] = simulator.sign(Timestamp(3, expires=LATER, snapshot_meta=MetaFile(3)))
    simulator.files["3.snapshot.json"] = simulator.sign(
        Snapshot(3, expires=LATER, meta={"x.json": MetaFile(3)})
    )


@pytest.mark.parametrize("attack", [rollback, mixed, expired, without_target])
def test_atk_263_old_or_mixed_metadata_is_refused(
    attack: Callable[[Simulator], None], tmp_path: Path
) -> None:
    """After version 2: version 1, a mixture, an expired one, and one from which a role is gone."""
    simulator = Simulator()
    simulator.old = simulator.files["timestamp.json"]
    simulator.version = 2
    simulator.publish()
    simulator.refresh(tmp_path)
    attack(simulator)
    refused(simulator, tmp_path)


def test_atk_264_signatures_count_once_for_each_key(tmp_path: Path) -> None:
    """A threshold of two, reached with one signature twice and one key under two names; and a threshold of none."""
    simulator = Simulator()
    document = json.loads(simulator.files["timestamp.json"])
    simulator.root.roles["timestamp"].threshold = 2
    simulator.files["1.root.json"] = simulator.first = simulator.sign(simulator.root)
    refused(simulator, tmp_path)
    document["signatures"].append({**document["signatures"][0], "keyid": "another"})
    simulator.files["timestamp.json"] = json.dumps(document).encode()
    refused(simulator, tmp_path)
    root = json.loads(simulator.first)
    root["signed"]["roles"]["timestamp"]["threshold"] = 0
    simulator.first = json.dumps(root).encode()
    refused(simulator, tmp_path)


def test_atk_265_a_bad_root_is_never_kept(tmp_path: Path) -> None:
    """Version 2 of TUF's root, signed by an attacker: refused, and the next honest answer is accepted again."""
    simulator, attacker = Simulator(), Simulator()
    simulator.refresh(tmp_path)
    evil = Root(version=2, expires=LATER, consistent_snapshot=True)
    for role in ("root", "timestamp", "snapshot", "targets"):
        evil.add_key(attacker.signer.public_key, role)
    simulator.files["2.root.json"] = attacker.sign(evil)
    refused(simulator, tmp_path)
    del simulator.files["2.root.json"]
    assert simulator.refresh(tmp_path) == simulator.target


def test_atk_266_names_never_lead_out_of_the_folder(tmp_path: Path) -> None:
    """Only one target is ever asked for, and a mirror's folder has a name of letters, digits, dots and dashes."""
    simulator = Simulator()
    simulator.refresh(tmp_path)
    assert {url for url in simulator.asked if "/targets/" in url} == {
        next(f"{URL}/{name}" for name in simulator.files if name.startswith("targets/"))
    }
    for url in ("https://x/../../etc", "https://x/%2e%2e/", "https://host/a/b"):
        name = check_mirror(url)
        assert "/" not in name
        assert not name.startswith(".")
    assert refreshing.kept_root("../escape") is None
    assert refreshing.refreshed_at("../escape") is None


def test_atk_266_no_two_mirrors_share_a_folder() -> None:
    """Nor does one have the folder of a shipped instance: its root would be trusted in the place of the other's."""
    urls = (
        "https://staging",
        "https://x/a/b",
        "https://x/a-b",
        "https://x-a/b",
        "https://X/a/b",
        f"https://x/{'a' * 200}",
    )
    names = {check_mirror(url) for url in (*urls, f"https://x/{'a' * 201}", "http://localhost/x/a/b")}
    assert len(names) == len(urls) + 2
    assert not names & {"staging", "public-good"}
    assert check_mirror("https://x/a/") == check_mirror("https://x/a")


@pytest.mark.parametrize("data", [b"[]", b"{}", b"x" * 50_000, b"null", b'{"signed": 1}', b"\xff"])
@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json", "2.root.json"])
def test_atk_267_endless_and_malformed_metadata_is_refused(data: bytes, name: str, tmp_path: Path) -> None:
    """Whatever stands in the place of metadata."""
    simulator = Simulator()
    simulator.files[name] = data
    refused(simulator, tmp_path)


def test_atk_267_a_target_that_is_no_trusted_root_is_not_kept(tmp_path: Path) -> None:
    """It is published and verified, and would trust no signer."""
    simulator = Simulator()
    simulator.version, simulator.target = (
        2,
        b'{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
    )
    simulator.publish()
    refused(simulator, tmp_path)


def verify(root: KeyMaterial, **how: Any) -> None:
    """Verify a good bundle under that root."""
    artifact = Artifact.of(b"artifact")
    bundle = SIGSTORE.sign_statement(statement(artifact.digest), Signing(**how))
    policy = CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=root)
    verify_blob(json.dumps(bundle).encode(), artifact, load_authenticator(policy, FakeClock(LATER)))


def unknown_key() -> dict[str, Any]:
    """A log with a key of a kind that is not known."""
    key = bytes.fromhex("302a300506032b656e032100") + bytes(32)  # X25519
    return SIGSTORE.logs[1].trusted(
        publicKey={"rawBytes": encode_base64(key), "validFor": {"start": "2020-01-01T00:00:00Z"}},
        logId={"keyId": encode_base64(b"unknown")},
    )


def unknown_hash() -> dict[str, Any]:
    """A log whose tree has a hash that is not known."""
    return SIGSTORE.logs[1].trusted(hashAlgorithm="SHA3_512", logId={"keyId": encode_base64(b"x")})


@pytest.mark.parametrize(
    ("member", "reason"), [("tlogs", Reason.TLOG_PROOF_INVALID), ("ctlogs", Reason.SCT_INVALID)]
)
@pytest.mark.parametrize("unknown", [unknown_key, unknown_hash])
def test_atk_268_unknown_entries_are_left_out_with_a_warning(
    member: str, reason: Reason, unknown: Callable[[], dict[str, Any]]
) -> None:
    """They disable nothing: the known ones beside them still verify, and are still needed."""
    known = SIGSTORE.root_document()[member]
    for entries in ([unknown(), *known], [*known, unknown()]):
        root = SIGSTORE.root_with(**{member: entries})
        (warning,) = load_trusted_root(root).warnings
        assert member in str(warning)
        verify(root)
    alone = SIGSTORE.root_with(**{member: [unknown()]})
    assert load_trusted_root(alone).warnings
    with pytest.raises(VerificationError) as caught:
        verify(alone)
    assert caught.value.reason is reason


@pytest.mark.parametrize("member", ["certificateAuthorities", "timestampAuthorities"])
@pytest.mark.parametrize("place", [0, 1])
def test_atk_268_periods_that_overlap_are_all_tried(member: str, place: int) -> None:
    """Two authorities of one time, the right one first or last; one that ended before the signature does not stand in."""
    right = SIGSTORE.root_document()[member]
    other = PrivateSigstore("another").root_document()[member]
    verify(SIGSTORE.root_with(**{member: [*other[:place], *right, *other[place:]]}), stamp=True)
    ended = {**right[0], "validFor": {"start": "2000-01-01T00:00:00Z", "end": "2001-01-01T00:00:00Z"}}
    with pytest.raises(VerificationError):
        verify(SIGSTORE.root_with(**{member: [ended, *other]}), stamp=True, log=2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tlogs": []}, Reason.TLOG_PROOF_INVALID),
        ({"tlogs": "unknown"}, Reason.TLOG_PROOF_INVALID),
        ({"ctlogs": []}, Reason.SCT_INVALID),
        ({"certificateAuthorities": []}, Reason.CHAIN_UNTRUSTED),
    ],
)
def test_atk_268_a_root_without_logs_or_authorities_verifies_no_signature(
    changes: dict[str, Any], reason: Reason
) -> None:
    """A root without logs or authorities refuses what would need them."""
    changes = {name: [unknown_key()] if value == "unknown" else value for name, value in changes.items()}
    with pytest.raises(VerificationError) as caught:
        verify(SIGSTORE.root_with(**changes))
    assert caught.value.reason is reason


def damaged(member: str, edit: Callable[[dict[str, Any]], Any]) -> KeyMaterial:
    """The root with its first entry of a kind changed."""
    document = SIGSTORE.root_document()
    edit(document[member][0])
    return KeyMaterial(json.dumps(document).encode(), "damaged")


DAMAGE: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("tlogs", lambda log: log["publicKey"]["validFor"].pop("start")),
    ("tlogs", lambda log: log["publicKey"].pop("validFor")),
    ("tlogs", lambda log: log["publicKey"].update(validFor={"start": "yesterday"})),
    ("tlogs", lambda log: log["publicKey"].update(rawBytes="AAAA")),
    ("tlogs", lambda log: log["publicKey"].update(rawBytes="not base64")),
    ("tlogs", lambda log: log.pop("logId")),
    ("tlogs", lambda log: log.update(publicKey=[])),
    ("certificateAuthorities", lambda ca: ca["certChain"].update(certificates=[])),
    ("certificateAuthorities", lambda ca: ca["certChain"]["certificates"].reverse()),
    ("certificateAuthorities", lambda ca: ca.update(validFor={"end": "2026-01-01T00:00:00Z"})),
    ("timestampAuthorities", lambda tsa: tsa["certChain"]["certificates"].pop(1)),
    ("timestampAuthorities", lambda tsa: tsa.update(certChain={"certificates": [{"rawBytes": "AAAA"}]})),
]


@pytest.mark.parametrize(("member", "edit"), DAMAGE)
def test_atk_268_a_malformed_entry_makes_the_whole_root_unusable(
    member: str, edit: Callable[[dict[str, Any]], Any]
) -> None:
    """A period without a start is not always, and a chain that does not hold together is none."""
    root = damaged(member, edit)
    with pytest.raises(ConfigurationError) as caught:
        load_trusted_root(root)
    assert caught.value.reason is Reason.TRUST_ROOT


def test_atk_268_documents_that_are_no_trusted_root_are_refused() -> None:
    """Another type, duplicate members, a list, nothing, a public key."""
    for data in (b"", b"[]", b"{}", b'{"mediaType":"a","mediaType":"b"}', CosignKey.generate().pem):
        with pytest.raises(ConfigurationError) as caught:
            load_trusted_root(KeyMaterial(data, "no root"))
        assert caught.value.reason is Reason.TRUST_ROOT


@pytest.mark.parametrize(
    "url",
    [
        "http://tuf.evil",
        "ftp://x",
        "https://user:pass@host/",
        "https://",
        "tuf.test",
        "https://h/?q",
        "file:///x",
    ],
)
def test_atk_269_only_https_mirrors_are_asked(url: str) -> None:
    """Never with a password in the address, and over plain http on this machine alone."""
    with pytest.raises(ConfigurationError):
        check_mirror(url)
    assert check_mirror("http://127.0.0.1:8080/tuf")


def test_atk_269_there_is_no_trust_on_first_use(tmp_path: Path) -> None:
    """The TUF root that is shipped or named decides, never the one that the network offers first."""
    simulator, attacker = Simulator(), Simulator()
    with pytest.raises(InconclusiveError):
        refresh(Repository("test", URL, simulator.first), tmp_path, FakeClock(), attacker)
    assert not (tmp_path / "test" / TARGET).exists()


def test_atk_269_verification_and_display_open_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only `--refresh` does; the roots that are shipped are used until then."""
    import socket

    from pyratify.entrypoints.cli import main

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert main(["trust", "sigstore", "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["stale"] is True
    assert "rekor.sigstore.dev" in shown["transparencyLogs"]
    assert not list(tmp_path.iterdir())
