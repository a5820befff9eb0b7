"""Our command, as its users run it, over images that the real signers signed on three kinds of registry."""

import sys
from pathlib import Path

import pytest

from interop import live

pytestmark = pytest.mark.interop

COSIGN = {tag: cosign for tag, (cosign, _) in live.EXPECTED.items()}
NOTATION = {tag: notation for tag, (_, notation) in live.EXPECTED.items()}


@pytest.mark.parametrize("tag", COSIGN)
def test_a_cosign_key_gives_the_verdict_that_cosign_gives(
    repository: live.loopback.Repository, tag: str
) -> None:
    """With `--key` alone, exit code and result say what cosign says of the image."""
    answer = live.ratify(*live.with_key(), f"{repository.name}:{tag}")
    assert_verdict(answer, COSIGN[tag])


@pytest.mark.parametrize("tag", NOTATION)
def test_an_authority_gives_the_verdict_that_notation_gives(
    repository: live.loopback.Repository, tag: str
) -> None:
    """With `--cert` and an identity, exit code and result say what notation-go says of the image."""
    answer = live.ratify(*live.with_authority(), f"{repository.name}:{tag}")
    assert_verdict(answer, NOTATION[tag])


@pytest.mark.parametrize("tag", ["jws-rsa", "cose-ec", "wrong-ca", "replayed-jws"])
def test_notations_own_configuration_gives_notations_verdict(
    repository: live.loopback.Repository, tag: str
) -> None:
    """A trust policy and a trust store in notation's format are enough."""
    policy = ("--trust-policy", str(live.MATERIAL / "trustpolicy.json"))
    store = ("--trust-store", str(live.MATERIAL / "truststore"))
    answer = live.ratify(*policy, *store, f"{repository.name}:{tag}")
    assert_verdict(answer, NOTATION[tag])


def test_the_other_key_trusts_what_it_signed_and_nothing_else(repository: live.loopback.Repository) -> None:
    """Trust follows the key that is given, so the same images get the opposite verdicts."""
    tags = ("wrong-key-v2", "wrong-key-v3", "cosign-v2", "cosign-v3")
    answer = live.ratify(*live.with_key("other"), *(f"{repository.name}:{tag}" for tag in tags))
    assert [result["succeeded"] for result in answer.results] == [True, True, False, False]
    assert answer.code == 1


def test_several_keys_trust_what_any_of_them_signed(repository: live.loopback.Repository) -> None:
    """A signature by either key is enough when both are given."""
    tags = ("cosign-v2", "wrong-key-v3")
    references = [f"{repository.name}:{tag}" for tag in tags]
    answer = live.ratify(*live.with_key(), *live.with_key("other"), *references)
    assert (answer.code, [result["succeeded"] for result in answer.results]) == (0, [True, True])


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("algorithm", live.ALGORITHMS)
def test_cosign_keys_of_every_type_are_verified_with_the_hash_cosign_signs_with(
    peers: None, tmp_path: Path, algorithm: str, version: str
) -> None:
    """P-384 goes with SHA-384, P-521 with SHA-512, Ed25519 with its prehash; no flag is needed."""
    prefix = live.import_key(algorithm, tmp_path)
    with live.running("referrers-api", tmp_path) as repository:
        for tag in ("signed", "unsigned"):
            repository.push_image(tag)
        sign = live.signers.cosign_v2 if version == "v2" else live.signers.cosign_v3
        sign(repository, "signed", key=prefix)
        reference = f"{repository.name}:signed"
        digest = live.ALGORITHMS[algorithm]
        told = ("--insecure-ignore-tlog=true", f"--signature-digest-algorithm={digest or 'sha512'}")
        cosign = live.loopback.accepts("cosign", "verify", "--key", f"{prefix}.pub", *told, reference)
        assert cosign is (digest is not None)
        assert_verdict(live.ratify("--key", f"{prefix}.pub", reference), accepted=True)
        assert_verdict(live.ratify(*live.with_key(), reference), accepted=False)


def test_many_references_are_answered_in_the_order_given(repository: live.loopback.Repository) -> None:
    """One line for each reference, in order, and one denied reference makes the exit code 1."""
    references = [f"{repository.name}:{tag}" for tag in COSIGN]
    answer = live.ratify(*live.with_key(), *references)
    assert [result["succeeded"] for result in answer.results] == list(COSIGN.values())
    assert answer.code == 1


def test_a_digest_is_as_good_as_its_tag(repository: live.loopback.Repository) -> None:
    """The result of a digest reference names that digest."""
    digest = repository.descriptor("several")["digest"]
    answer = live.ratify(*live.with_key(), f"{repository.name}@{digest}")
    assert_verdict(answer, accepted=True)
    assert answer.only["digest"] == digest


def test_a_tag_that_does_not_exist_cannot_be_decided(repository: live.loopback.Repository) -> None:
    """Nothing is denied where there is nothing: exit code 2 and an error with a remedy."""
    answer = live.ratify(*live.with_key(), f"{repository.name}:no-such-tag")
    assert_undecided(answer)


def test_a_registry_that_is_gone_cannot_be_decided(peers: None, tmp_path: Path) -> None:
    """A refused connection is the registry's fault, not the image's: exit code 2."""
    with live.running("referrers-api", tmp_path) as repository:
        name = repository.name
    assert_undecided(live.ratify(*live.with_key(), f"{name}:any"))


def test_the_console_script_is_the_same_command(repository: live.loopback.Repository) -> None:
    """`ratify` and `python -m pyratify` give the same answer."""
    arguments = (*live.with_key(), f"{repository.name}:cosign-v3")
    script = (str(Path(sys.executable).with_name("ratify")),)
    assert live.ratify(*arguments, program=script).code == live.ratify(*arguments).code == 0


def assert_verdict(answer: live.Answer, accepted: bool) -> None:
    """Exit code, the result and the absence of a traceback agree."""
    assert "Traceback" not in answer.stderr
    assert answer.only["succeeded"] is accepted, answer
    assert answer.code == (0 if accepted else 1)


def assert_undecided(answer: live.Answer) -> None:
    """No verdict, but an error that says what to do."""
    assert "Traceback" not in answer.stderr
    assert answer.code == 2
    assert answer.only["succeeded"] is False
    assert answer.only["error"]["code"]
    assert answer.only["error"]["remedy"]
