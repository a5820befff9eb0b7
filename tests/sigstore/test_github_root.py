"""The trusted root of GitHub's own instance: its name, where it comes from, and what its signatures prove."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Root

from pyratify.config.build import open_engine
from pyratify.config.load import decode_config
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.sigstore.github_root import github_repository, github_root
from pyratify.sigstore.root_names import is_github, names_file
from pyratify.testing.cosign import attach_bundle, statement
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore, Signing
from support.scenes import REFERENCE, codes
from support.tuf_repository import Simulator

GITHUB = PrivateSigstore("github")
# As GitHub signs: no entry in a log, no proof of certificate transparency, a timestamp.
OWN = Signing(log=0, sct="none", stamp=True)


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep a root of an instance like GitHub's as if it had been fetched, and return the folder of roots."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "ratify" / "sigstore"
    for name in ("github", "github.octo"):
        (folder / name).mkdir(parents=True)
        (folder / name / "trusted_root.json").write_bytes(GITHUB.root_with(tlogs=[], ctlogs=[]).data)
    return folder


async def verify(signing: Signing, **policy: Any) -> ValidationResult:
    """Return the result for an image with one bundle that is signed so, under a policy with GitHub's root."""
    store = MemoryStore()
    image = store.add_image()
    attach_bundle(store, image, GITHUB.sign_statement(statement(image.digest), signing))
    trust = {
        "trustedRoot": "github",
        "certificateIdentity": SUBJECT,
        "certificateOIDCIssuer": ISSUER,
        "scopes": ["*"],
    } | policy
    verifier = {"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [trust]}}
    document = {"executors": [{"scopes": ["*"], "verifiers": [verifier]}]}
    async with open_engine(decode_config(document, Path())) as engine:
        (executor,) = engine.executors.values()
        return await replace(executor, store=store).validate(REFERENCE)


def test_the_tuf_root_that_is_shipped_is_signed_by_its_own_keys() -> None:
    """All eight of them sign version 1; every refresh walks from it."""
    metadata = Metadata[Root].from_bytes(github_repository("github").root)
    found = metadata.signed.get_verification_result("root", metadata.signed_bytes, metadata.signatures)
    assert found.verified
    assert (len(found.signed), found.unsigned) == (8, {})
    assert metadata.signed.version == 1


def test_each_trust_domain_has_a_root_and_a_folder_of_its_own() -> None:
    """A domain's root must not stand in for another's."""
    own, octo = github_repository("github"), github_repository("github:octo")
    assert (own.name, own.target) == ("github", "trusted_root.json")
    assert (octo.name, octo.target) == ("github.octo", "octo.trusted_root.json")
    assert own.url == octo.url == "https://tuf-repo.github.com"


@pytest.mark.parametrize("domain", ["", "a.b", "../x", "A", "-a", "a-", "a" * 64, "a/b", "a\n"])
def test_what_is_no_trust_domain_is_refused(domain: str) -> None:
    """It becomes the name of a target and of a folder."""
    with pytest.raises(ConfigurationError, match="no trust domain"):
        github_repository(f"github:{domain}")


@pytest.mark.parametrize(("name", "flag"), [("github", "--github"), ("github:octo", "--github octo")])
def test_a_root_that_was_never_fetched_is_named_with_the_command_that_fetches_it(
    name: str, flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched when a configuration is read."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError) as refused:
        github_root(name)
    assert refused.value.reason is Reason.KEY_UNAVAILABLE
    assert f"trust sigstore {flag} --refresh" in refused.value.remedy


def test_a_domains_root_is_fetched_under_its_own_name(tmp_path: Path) -> None:
    """TUF verifies the target that the domain names."""
    simulator = Simulator(GITHUB.root.data, "octo.trusted_root.json")
    assert simulator.refresh(tmp_path) == GITHUB.root.data
    assert any(url.endswith(".octo.trusted_root.json") for url in simulator.asked)


def test_its_names_are_no_files() -> None:
    """As with the other names, ./github names the file."""
    assert [is_github(name) for name in ("github", "github:octo", "./github", "github.json")] == [
        True,
        True,
        False,
        False,
    ]
    assert not names_file("github:octo")
    assert names_file("./github")


@pytest.mark.parametrize("name", ["github", "github:octo"])
async def test_a_timestamp_takes_the_place_of_logs(name: str, fetched: Path) -> None:
    """What GitHub signs is accepted, and is not called a reduced check."""
    result = await verify(OWN, trustedRoot=name)
    assert result.succeeded, result.to_json()
    assert '"ignored"' not in result.to_json()


async def test_without_a_timestamp_nothing_is_accepted(fetched: Path) -> None:
    """Nothing else says when it was signed."""
    result = await verify(Signing(log=0, sct="none", stamp=False))
    assert not result.succeeded
    assert codes(result) & {Reason.TIME_SOURCE_MISSING, Reason.TIMESTAMP_INVALID}


async def test_an_instance_without_the_name_still_asks_for_logs(fetched: Path) -> None:
    """The same root given as a file: its missing logs are not excused."""
    path = fetched / "github" / "trusted_root.json"
    assert not (await verify(OWN, trustedRoot=str(path))).succeeded


@pytest.mark.parametrize("member", ["transparencyLogs", "certificateLogs"])
async def test_logs_cannot_be_asked_for(member: str, fetched: Path) -> None:
    """Every signature would be refused; better said when the configuration is read."""
    with pytest.raises(ConfigurationError, match="no logs"):
        await verify(OWN, **{member: 1})


async def test_timestamps_cannot_be_ignored(fetched: Path) -> None:
    """They are the only source of time."""
    with pytest.raises(ConfigurationError):
        await verify(OWN, ignoreObserverTimestamps=True)
