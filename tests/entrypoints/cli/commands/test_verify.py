"""`ratify verify` on really signed material, from a layout and from a registry."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.testing.registry import Fault, RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[4] / "examples" / "material"
EXPECTED = json.loads((MATERIAL / "expected.json").read_text())
KEY = ("--key", MATERIAL / "keys" / "cosign.pub")
IDENTITY = "C=US, ST=WA, O=Pyratify Test"
CERT = ("--cert", MATERIAL / "certs" / "ca.pem", "--trusted-identity", IDENTITY)
POLICY = ("--trust-policy", MATERIAL / "trustpolicy.json", "--trust-store", MATERIAL / "truststore")
LAYOUT = f"oci:{MATERIAL / 'layout'}"
CODES = {"pass": (0, None), "none": (1, "NO_EVIDENCE"), "fail": (1, "POLICY_UNSATISFIED")}
Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(("kind", "flags"), [("cosign", KEY), ("notation", CERT), ("notation", POLICY)])
@pytest.mark.parametrize("tag", EXPECTED)
@pytest.mark.parametrize("place", ["layout", "registry"])
def test_every_image_of_the_material_gets_its_verdict(
    tag: str, kind: str, flags: tuple[str, ...], place: str, run: Run, registry: RegistrySimulator
) -> None:
    """With a key, a certificate or notation's own files alone, bundles, classic tags and envelopes are all found."""
    reference = f"{LAYOUT}:{tag}" if place == "layout" else str(registry.reference("app", tag))
    code, out, err = run("verify", *flags, "-o", "json", "--no-cache", reference)
    result = json.loads(out)
    expected, reason = CODES[EXPECTED[tag][kind]]
    assert (code, err) == (expected, "")
    assert result["reference"] == reference
    assert result["succeeded"] is (expected == 0)
    assert result["decision"] == ("DENY" if expected else "ALLOW")
    assert result.get("failure", {}).get("code") == reason
    assert result["digest"].startswith("sha256:")


def test_a_key_and_a_certificate_together_accept_either(run: Run) -> None:
    """With both kinds of trust one signature of either kind is enough."""
    for tag in ("cosign-v3", "notation-jws-ec"):
        assert run("verify", *KEY, *CERT, f"{LAYOUT}:{tag}")[0] == 0
    assert run("verify", *KEY, *CERT, f"{LAYOUT}:unsigned")[0] == 1


def test_any_of_several_keys_is_enough(run: Run) -> None:
    """A repeated --key names a set of trusted keys."""
    both = ("--key", MATERIAL / "keys" / "other.pub", *KEY)
    assert run("verify", *both, f"{LAYOUT}:cosign-v3")[0] == 0
    assert run("verify", *both, f"{LAYOUT}:wrong-key")[0] == 0


def test_results_stand_in_the_order_given(run: Run, registry: RegistrySimulator) -> None:
    """Many references give one JSON object a line each, in order, and the worst verdict as the exit code."""
    tags = ["cosign-v3", "unsigned", "no-such-tag", "cosign-v2"] * 10
    references = [str(registry.reference("app", tag)) for tag in tags]
    code, out, _ = run("verify", *KEY, "-o", "json", *references)
    results = [json.loads(line) for line in out.splitlines()]
    assert [result["reference"] for result in results] == references
    assert [result["decision"] for result in results[:4]] == ["ALLOW", "DENY", "DENY", "ALLOW"]
    assert results[2]["error"]["code"] == "NOT_FOUND"
    assert code == 1


def test_undecided_without_a_denial_is_two(run: Run) -> None:
    """An image that could not be found is not denied, and not allowed either."""
    code, out, _ = run("verify", *KEY, f"{LAYOUT}:cosign-v3", f"{LAYOUT}:no-such-tag")
    assert code == 2
    assert "ERROR" in out.splitlines()[-3]


def test_the_three_kinds_of_refusal_read_differently(run: Run, registry: RegistrySimulator) -> None:
    """No signature, no matching evidence and no registry each have their own words and what to do."""
    texts = [run("verify", *KEY, registry.reference("app", tag))[1] for tag in ("unsigned", "wrong-key")]
    registry.fault(Fault(path="/v2/", status=401))
    texts.append(run("verify", *KEY, registry.reference("app", "cosign-v3"))[1])
    texts.append(run("verify", *KEY, "127.0.0.1:1/app:v1")[1])
    assert "no signature\n" in texts[0]
    assert "no matching evidence\n" in texts[1]
    assert "could not be decided" in texts[2]
    assert "REGISTRY_AUTH" in texts[2]
    assert "docker login" in texts[2]
    assert "could not reach or read the registry" in texts[3]
    assert len({text.splitlines()[0].rpartition(":")[2] for text in texts}) == 4
    assert all("what to do: " in text for text in texts)


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_references_come_from_a_file(
    source: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reference a line; empty lines and comments do not count; - is standard input."""
    text = f"# images\n\n{LAYOUT}:cosign-v3\r\n  {LAYOUT}:cosign-v2\n"
    path = tmp_path / "references"
    path.write_text(text)
    with path.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        code, out, _ = run("verify", *KEY, "--from-file", path if source == "file" else "-")
    assert code == 0
    assert out.count("ALLOWED") == 2


def test_a_bad_reference_in_a_file_is_named_by_its_line(run: Run, tmp_path: Path) -> None:
    """Nothing is verified when one of the references is none."""
    path = tmp_path / "references"
    path.write_text(f"{LAYOUT}:cosign-v3\nBAD//reference\n")
    code, out, err = run("verify", *KEY, "--from-file", path)
    assert (code, out) == (3, "")
    assert "line 2" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify",), "no reference"),
        (("verify", "app:v1"), "nothing says what to trust"),
        (("verify", *KEY), "no reference"),
        (("verify", *KEY, "BAD//x"), "not a reference"),
        (("verify", *KEY, "oci:layout:-"), "tag is not allowed"),
        (("verify", "--key", "nosuch.pub", "app"), "nosuch.pub cannot be read"),
        (("verify", "--key", MATERIAL, "app"), "cannot be read"),
        (("verify", "--key", MATERIAL / "certs" / "ec.key", LAYOUT + ":both"), "KEY_INVALID"),
        (("verify", "--key", MATERIAL / "README.md", LAYOUT + ":both"), "KEY_INVALID"),
        (("verify", "--cert", MATERIAL / "certs" / "ca.pem", "app"), "--trusted-identity"),
        (("verify", "--trusted-identity", "*", *KEY, "app"), "needs --cert"),
        (("verify", *CERT[:2], "--trusted-identity", "nonsense", "app"), "--trusted-identity"),
        (("verify", "--trust-policy", MATERIAL / "trustpolicy.json", "app"), "--trust-store"),
        (("verify", "--trust-store", MATERIAL, *KEY, "app"), "needs --trust-policy"),
        (("verify", *CERT, *POLICY, "app"), "exclude one another"),
        (("verify", "-c", "ratify.yaml", *KEY, "app"), "exclude one another"),
        (("verify", *KEY, "--ca-file", "nosuch.pem", "app"), "nosuch.pem cannot be read"),
        (("verify", *KEY, "--timeout", "0", "app"), "--timeout"),
        (("verify", *KEY, "--outptu", "json", "app"), "--outptu"),
        (("verify", *KEY, "--from-file", "nosuch", "app"), "nosuch cannot be read"),
        (("verify", *KEY, "--scope", "example.com/app:v1", LAYOUT + ":both"), "is not a repository"),
        (("frobnicate",), "frobnicate"),
        ((), "no command"),
    ],
)
def test_mistakes_of_the_caller_are_three(arguments: tuple[object, ...], says: str, run: Run) -> None:
    """Each mistake says what is wrong and what to do on standard error, and no result is printed."""
    code, out, err = run(*arguments)
    assert (code, out) == (3, "")
    assert says in err
    assert "what to do" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("verify", "--keyy", "cosign.pub", "app"), "ratify verify"),
        (("config", "check", "ratify.yaml", "other.yaml"), "ratify config check"),
        (("config", "--unknown", "check"), "ratify config"),
        (("gatekeeper", "serve", "--address", ":6001", "--unknown"), "ratify gatekeeper serve"),
    ],
)
def test_a_flag_that_does_not_exist_leads_to_the_help_of_its_command(
    arguments: tuple[str, ...], command: str, run: Run
) -> None:
    """The help that is named is that of the command that does not know the argument, not the program's."""
    code, _, err = run(*arguments)
    assert code == 3
    assert "unrecognized arguments" in err
    assert f"`{command} --help` shows the arguments" in err


def test_a_traceback_needs_debug(run: Run) -> None:
    """Only --debug shows where an error comes from."""
    assert "Traceback" in run("verify", "--debug", "--key", "nosuch.pub", "app")[2]


def test_a_layout_stands_for_a_repository(run: Run, tmp_path: Path) -> None:
    """With --scope a layout is judged by the policies of the repository that it stands for."""
    policy = json.loads((MATERIAL / "trustpolicy.json").read_text())
    policy["trustPolicies"][0]["registryScopes"] = ["registry.example.com/app"]
    path = tmp_path / "trustpolicy.json"
    path.write_text(json.dumps(policy))
    flags = ("--trust-policy", path, "--trust-store", MATERIAL / "truststore", "-o", "json")
    reference = f"{LAYOUT}:notation-jws-ec"
    code, out, _ = run("verify", *flags, "--scope", "registry.example.com/app", reference)
    assert (code, json.loads(out)["reference"]) == (0, reference)
    assert run("verify", *flags, "--scope", "registry.example.com/other", reference)[0] == 1
    assert run("verify", *flags, reference)[0] == 1
    assert run("verify", *flags, "--scope", "registry.example.com/app", f"{LAYOUT}:no-such-tag")[0] == 2


def test_an_archive_is_read_like_a_directory(run: Run, tmp_path: Path) -> None:
    """`oci-archive:` names a tar of the same layout."""
    import tarfile

    archive = tmp_path / "layout.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(MATERIAL / "layout", ".")
    assert run("verify", *KEY, f"oci-archive:{archive}:cosign-v3")[0] == 0
    assert run("verify", *KEY, f"oci-archive:{archive}:unsigned")[0] == 1


def test_a_registry_that_goes_away_is_undecided(run: Run, registry: RegistrySimulator) -> None:
    """With --timeout the command ends in time and says why."""
    registry.fault(Fault(path="/manifests/", status=500))
    code, out, _ = run("verify", *KEY, "--timeout", "0.2", registry.reference("app", "cosign-v3"))
    assert code == 2
    assert "TIMEOUT" in out or "REGISTRY_ERROR" in out


def test_content_is_kept_between_runs_unless_told_otherwise(
    run: Run, registry: RegistrySimulator, tmp_path: Path
) -> None:
    """The second run reads what it needs by digest from disk; --no-cache keeps nothing."""
    reference = registry.reference("app", "cosign-v3")
    assert run("verify", *KEY, "--no-cache", reference)[0] == 0
    assert not (tmp_path / "cache").exists()
    assert run("verify", *KEY, reference)[0] == 0
    first = len(registry.hits)
    assert run("verify", *KEY, reference)[0] == 0
    assert len(registry.hits) - first < first - len(registry.hits) // 3


def test_the_tree_shows_every_artifact_and_every_result(run: Run) -> None:
    """The tree has what is attached, what each verifier said, and the signer."""
    _, out, _ = run("verify", *KEY, "-o", "tree", f"{LAYOUT}:both")
    assert "PASSED cosign" in out
    assert "signer: spki:sha256:" in out
    assert "application/vnd.dev.sigstore.bundle.v0.3+json" in out


def test_a_key_that_cannot_be_used_does_not_wait_for_the_registry(run: Run) -> None:
    """Keys are read beside the network; a bad one ends the run though the registry never answers."""
    with RegistrySimulator(delay=60) as registry:
        code, out, err = run("verify", "--key", MATERIAL / "README.md", registry.reference("app", "v1"))
    assert (code, out) == (3, "")
    assert "KEY_INVALID" in err
