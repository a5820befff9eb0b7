"""`--platform` of `ratify verify`, and what `ratify discover` shows of an image index."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.testing.attestations import REPOSITORY
from pyratify.testing.cosign import CosignKey
from pyratify.testing.docker_chain import PLATFORMS, DockerChain, make_chain
from pyratify.testing.layout import write_layout
from pyratify.testing.registry import RegistrySimulator

Run = Callable[..., tuple[int, str, str]]
KEY = CosignKey.generate()


@pytest.fixture
def chain(registry: RegistrySimulator) -> DockerChain:
    """An index in a registry; its manifest for amd64 is signed, with its attestation manifest."""
    found = make_chain(registry.repository("app"), tag="multi")
    found.sign(KEY, found.images[0], found.attestations[0])
    return found


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The file of the public key."""
    path = tmp_path / "cosign.pub"
    path.write_bytes(KEY.pem)
    return str(path)


@pytest.mark.parametrize(
    ("platforms", "code", "said"),
    [
        ((), 1, "no signature"),
        (("--platform", "linux/amd64"), 0, "platform linux/amd64: allowed"),
        (("--platform", "linux/amd64,linux/arm64"), 1, "platform linux/arm64: denied"),
        (("--platform", "linux/amd64", "--platform", "linux/arm64"), 1, "platform linux/arm64: denied"),
        (("--platform", "each"), 1, "1 of 2 manifests"),
        (("--platform", "linux/s390x"), 1, "PLATFORM_MISSING"),
    ],
)
def test_the_platforms_of_a_run_are_named_by_a_flag(
    platforms: tuple[str, ...],
    code: int,
    said: str,
    run: Run,
    registry: RegistrySimulator,
    chain: DockerChain,
    key: str,
) -> None:
    """The text shows each of them, and those that were not asked for."""
    found, out, err = run("verify", "--key", key, *platforms, registry.reference("app", "multi"))
    assert (found, err) == (code, "")
    assert said in out
    if "linux/amd64" in platforms and len(platforms) == 2 and code == 0:
        assert "platform linux/arm64: not judged" in out


def test_the_flag_stands_beside_a_configuration_too(
    run: Run, registry: RegistrySimulator, chain: DockerChain, key: str, tmp_path: Path
) -> None:
    """It is the question of the run; without it the configuration's own platforms are asked for."""
    policy = {"keys": {"files": [key]}}
    verifier = {"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [policy]}}
    executor = {"scopes": ["*"], "platforms": ["linux/amd64"], "verifiers": [verifier]}
    path = tmp_path / "ratify.json"
    path.write_text(json.dumps({"executors": [executor]}))
    reference = registry.reference("app", "multi")
    assert run("verify", "-c", str(path), reference)[0] == 0
    assert run("verify", "-c", str(path), "--platform", "each", reference)[0] == 1


@pytest.mark.parametrize("value", ["linux", "all", "linux/amd64,each", "linux/amd64,", ""])
def test_what_is_no_platform_is_a_mistake_of_usage(value: str, run: Run, key: str) -> None:
    """Before any request."""
    code, _, err = run("verify", "--key", key, "--platform", value, "127.0.0.1:1/app:v1")
    assert code == 3
    assert "--platform" in err


def test_a_configuration_names_the_path_of_a_platform_that_is_none(
    run: Run, key: str, tmp_path: Path
) -> None:
    """`config check` says it with file and line."""
    path = tmp_path / "ratify.yaml"
    path.write_text(
        f"executors:\n- scopes: ['*']\n  platforms: [linux]\n  verifiers:\n  - name: c\n    type: cosign\n"
        f"    parameters: {{trustPolicies: [{{keys: {{files: [{key}]}}}}]}}\n"
    )
    code, out, err = run("config", "check", "-c", str(path))
    assert code != 0
    assert "executors[0].platforms" in out + err


@pytest.mark.parametrize("output", ["tree", "text", "json"])
def test_discover_shows_the_chain_below_each_platform(
    output: str, run: Run, registry: RegistrySimulator, chain: DockerChain
) -> None:
    """Platform, attestation manifest with its kind, signature of that."""
    code, out, err = run("discover", "-o", output, registry.reference("app", "multi"))
    assert (code, err) == (0, "")
    if output == "json":
        platforms = {each["platform"]: each for each in json.loads(out)["attached"]}
        assert list(platforms) == list(PLATFORMS)
        attestation = next(
            each for each in platforms["linux/amd64"]["attached"] if each["discovery"] == "index"
        )
        assert attestation["kind"] == "attestation (provenance)"
        assert attestation["attached"][0]["kind"].startswith("bundle")
        return
    lines = out.splitlines()
    for platform in PLATFORMS:
        assert any(platform in line for line in lines)
    assert sum("(index): attestation (provenance)" in line for line in lines) == 2


def test_a_layout_is_judged_by_platforms_too(run: Run, chain: DockerChain, key: str, tmp_path: Path) -> None:
    """From the disk, as from a registry."""
    folder = write_layout(chain.store, tmp_path / "layout")
    assert run("verify", "--key", key, "--platform", "linux/amd64", f"oci:{folder}:multi")[0] == 0
    assert run("verify", "--key", key, "--platform", "each", f"oci:{folder}:multi")[0] == 1


@pytest.mark.parametrize("way", ["flags", "configuration"])
@pytest.mark.parametrize(
    ("signed", "flags", "code"),
    [
        ("attestations", ("--source-uri", REPOSITORY), 0),
        ("attestations", ("--type", "slsaprovenance1"), 0),
        ("attestations", ("--type", "spdx"), 1),
        ("attestations", ("--source-uri", "https://github.com/org/other"), 1),
        ("index", ("--source-uri", REPOSITORY), 0),
        ("images", ("--source-uri", REPOSITORY), 1),
        ("nothing", ("--source-uri", REPOSITORY), 1),
    ],
)
def test_flags_for_attestations_follow_dockers_chain(
    way: str,
    signed: str,
    flags: tuple[str, ...],
    code: int,
    run: Run,
    registry: RegistrySimulator,
    key: str,
    tmp_path: Path,
) -> None:
    """Of all platforms; and `config init` writes what the flags mean."""
    found = make_chain(registry.repository("app"), tag="chain")
    subjects = {"attestations": found.attestations, "index": (found.index,), "images": found.images}
    if signed in subjects:
        found.sign(KEY, *subjects[signed])
    flags = ("--key", key, "--platform", "each", *flags)
    if way == "configuration":
        done, out, err = run("config", "init", *flags)
        assert (done, err) == (0, "")
        (tmp_path / "ratify.yaml").write_text(out)
        flags = ("-c", str(tmp_path / "ratify.yaml"))
    done, out, err = run("verify", *flags, registry.reference("app", "chain"))
    assert (done, err) == (code, ""), out
