"""Flags of `ratify verify` and the configuration that `ratify config init` makes of them mean the same."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.yaml import loads
from pyratify.entrypoints.cli.parser import build_parser
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.vulnerability import openvex

ROOT = Path(__file__).resolve().parents[4]
MATERIAL = ROOT / "examples" / "material"
KEY = MATERIAL / "keys" / "cosign.pub"
CA = MATERIAL / "certs" / "ca.pem"
SUBJECT = "x509.subject: C=US, ST=WA, O=Pyratify Test"
IMAGES = tuple(json.loads((MATERIAL / "expected.json").read_text()))
TRUST = {
    "cosign": ("--key", KEY),
    "annotated": ("--key", KEY, "-a", "team=${HOME}"),
    "notation": ("--cert", CA, "--trusted-identity", SUBJECT),
    "both": ("--key", KEY, "--cert", CA, "--trusted-identity", "*"),
    "metadata": ("--cert", CA, "--trusted-identity", "*", "-m", "team=x"),
    "files": ("--trust-policy", MATERIAL / "trustpolicy.json", "--trust-store", MATERIAL / "truststore"),
    "limited": ("--key", KEY, "--max-signatures", "1", "--timeout", "30"),
}
Run = Callable[..., Any]


@pytest.mark.parametrize("image", IMAGES)
def test_every_image_of_the_demo_gets_the_same_report_both_ways(
    run: Run, registry: RegistrySimulator, tmp_path: Path, image: str
) -> None:
    """The whole report, the remedies aside: those of a run by flags name flags."""
    for name, trust in TRUST.items():
        file = tmp_path / f"{name}.yaml"
        assert run("config", "init", *trust, file).code == 0
        targets = [f"oci:{MATERIAL / 'layout'}:{image}"]
        targets += [f"{registry.host}/app:{image}"] if name == "both" else []
        for target in targets:
            direct = run("verify", *trust, "-o", "json", target)
            configured = run("verify", "-c", file, "-o", "json", target)
            assert direct.code == configured.code, (name, target)
            assert _without_remedies(direct.out) == _without_remedies(configured.out), (name, target)


def _without_remedies(out: str) -> Any:
    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items() if key != "remedy"}
        return [walk(item) for item in value] if isinstance(value, list) else value

    document = json.loads(out)
    assert document["reference"]
    return walk(document)


def test_the_images_are_told_apart_by_the_flags(run: Run) -> None:
    """So that two equal reports above are not two equal mistakes."""
    codes = {run("verify", *TRUST["cosign"], f"oci:{MATERIAL / 'layout'}:{image}").code for image in IMAGES}
    assert codes == {0, 1}


def test_what_is_printed_is_a_configuration_without_faults(run: Run, tmp_path: Path) -> None:
    """With flags it goes to standard output, and no file is written."""
    printed = run("config", "init", *TRUST["both"])
    assert printed.code == 0
    assert not (tmp_path / "ratify.yaml").exists()
    (tmp_path / "made.yaml").write_text(printed.out)
    assert run("config", "check", "-c", "made.yaml").code == 0


def _parameters(ran: Any, kind: str = "verifiers") -> Any:
    assert ran.code == 0, ran.err
    return loads(ran.out.encode())["executors"][0][kind][0]["parameters"]


def test_flags_of_keyless_signatures_have_the_keys_of_a_configuration(run: Run) -> None:
    """Each flag, under the name that the configuration has for it."""
    ran = run(
        "config", "init", "--certificate-identity-regexp", "https://github.com/acme/.+",
        "--certificate-oidc-issuer", "https://token.actions.githubusercontent.com",
        "--certificate-github-workflow-ref", "refs/heads/main", "--trusted-root", "staging",
        "--insecure-ignore-sct", "-a", "team=x",
    )  # fmt: skip
    assert _parameters(ran)["trustPolicies"] == [
        {
            "certificateIdentityRegex": "https://github.com/acme/.+",
            "certificateOIDCIssuer": "https://token.actions.githubusercontent.com",
            "certificateExtensions": {"githubWorkflowRef": "refs/heads/main"},
            "trustedRoot": "staging",
            "ignoreCTLog": True,
            "annotations": {"team": "x"},
        }
    ]


def test_flags_of_registries_become_parameters_of_the_store(run: Run) -> None:
    """With the defaults of a store that is not written, cosign's tags and Docker's credentials among them."""
    ran = run(
        "config", "init", "--key", KEY, "--ca-file", CA, "--signature-repository", "example.com/signatures",
        "--attachment-tag-prefix", "x-", "--timeout", "7",
    )  # fmt: skip
    assert _parameters(ran, "stores") == {
        "allowCosignTag": True,
        "credential": {"provider": "docker"},
        "plainHttp": False,
        "caFile": str(CA),
        "signatureRepository": "example.com/signatures",
        "cosignTagPrefix": "x-",
        "timeout": 7,
    }


@pytest.mark.parametrize(("flag", "plain"), [("--plain-http", True), ("--https", False)])
def test_the_scheme_is_written_as_the_flag_says(run: Run, flag: str, plain: bool) -> None:
    """Also where it is false, which is not the default."""
    assert _parameters(run("config", "init", "--key", KEY, flag), "stores")["plainHttp"] is plain


def test_the_variable_of_cosign_counts_as_in_verify(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures would be looked for elsewhere by the configuration otherwise."""
    monkeypatch.setenv("COSIGN_REPOSITORY", "example.com/signatures")
    found = _parameters(run("config", "init", "--key", KEY), "stores")
    assert found["signatureRepository"] == "example.com/signatures"


def test_notations_own_folder_is_named_by_its_path(run: Run, tmp_path: Path) -> None:
    """`--notation` depends on the environment of the run, and a configuration must not."""
    folder = tmp_path / "home" / ".config" / "notation"
    folder.mkdir(parents=True)
    (folder / "trustpolicy.json").write_bytes((MATERIAL / "trustpolicy.json").read_bytes())
    (folder / "truststore").symlink_to(MATERIAL / "truststore")
    assert _parameters(run("config", "init", "--notation")) == {"notationConfig": str(folder)}


def test_paths_are_absolute_in_a_file_of_another_folder(run: Run, tmp_path: Path) -> None:
    """Relative paths of a configuration start at its folder; those of flags start at the current one."""
    (tmp_path / "cosign.pub").write_bytes(KEY.read_bytes())
    (tmp_path / "there").mkdir()
    assert run("config", "init", "--key", "cosign.pub", "there/ratify.yaml").code == 0
    assert run("config", "init", "--key", "cosign.pub", "here.yaml").code == 0
    for name, path in (("there/ratify.yaml", str(tmp_path / "cosign.pub")), ("here.yaml", "cosign.pub")):
        document = loads((tmp_path / name).read_bytes())
        policy = document["executors"][0]["verifiers"][0]["parameters"]["trustPolicies"][0]
        assert policy["keys"] == {"files": [path]}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("-c", "ratify.yaml"), "-c names a configuration that exists"),
        (("--no-cache",), "--no-cache is about one run"),
        (("--scope", "example.com/app"), "--scope belongs to a layout"),
        (("--from-file", "-"), "--from-file names references"),
        (("--only-failures",), "--only-failures is about what is printed"),
        (("-o", "json"), "-o is about how results are printed"),
        (("-a", "team=file:x"), "'file:x' would be read as the name of a file"),
    ],
)
def test_a_flag_that_a_configuration_cannot_say_is_refused(
    run: Run, flags: tuple[str, ...], said: str
) -> None:
    """With a sentence of its own, and what to do; nothing is printed that means something else."""
    ran = run("config", "init", "--key", KEY, *flags)
    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err
    assert "what to do: " in ran.err


def test_flags_that_name_no_trust_are_refused(run: Run) -> None:
    """A configuration that trusts nothing in particular is none."""
    ran = run("config", "init", "--plain-http")
    assert (ran.code, ran.out) == (3, "")
    assert "the flags do not say what is trusted" in ran.err


def test_flags_that_verify_refuses_are_refused_in_the_same_words(run: Run) -> None:
    """A configuration of half a statement would be another statement."""
    for flags in (("--cert", CA), ("--key", KEY, "--certificate-identity", "x"), ("--trust-store", MATERIAL)):
        assert run("config", "init", *flags).err == run("verify", *flags, "example.com/app").err


@pytest.fixture
def pipe() -> Iterator[str]:
    """A path of a pipe that holds a key."""
    reading, writing = os.pipe()
    os.write(writing, KEY.read_bytes())
    os.close(writing)
    yield f"/dev/fd/{reading}"
    os.close(reading)


def test_a_pipe_is_refused(run: Run, pipe: str) -> None:
    """It is gone when the configuration is read."""
    ran = run("config", "init", "--key", pipe)
    assert (ran.code, ran.out) == (3, "")
    assert f"--key: {pipe} is no regular file" in ran.err


def test_a_folder_that_does_not_exist_is_no_file_that_exists(run: Run) -> None:
    """The remedy is true for the case."""
    assert "in a folder that exists" in run("config", "init", "nowhere/ratify.yaml").err


_KEYLESS = ("--certificate-identity", "x", "--certificate-oidc-issuer", "https://example.com")
_ALONE = {
    "key": ("--key", KEY),
    "cert": ("--cert", CA, "--trusted-identity", "*"),
    "trust_policy": TRUST["files"],
    "notation_config": ("--notation-config", "notation"),
    "notation": ("--notation",),
    "plugin": (*TRUST["notation"], "--plugin", "checks", "--plugin-dir", "plugins"),
    "certificate_identity": _KEYLESS,
    "certificate_identity_regexp": ("--certificate-identity-regexp", "x.+", *_KEYLESS[2:]),
    "certificate_oidc_issuer_regexp": (*_KEYLESS[:2], "--certificate-oidc-issuer-regexp", "https://x.+"),
    "allow_any_identity": (*_KEYLESS[2:], "--certificate-identity-regexp", ".*", "--allow-any-identity"),
    "user_metadata": TRUST["metadata"],
    "wildcard_scopes": (*TRUST["files"], "--wildcard-scopes"),
    "signer_workflow": ("--signer-workflow", "org/app/.github/workflows/release.yml"),
    "deny_self_hosted": (*_KEYLESS, "--deny-self-hosted"),
    "trusted_root": (*_KEYLESS, "--trusted-root", "staging"),
}  # fmt: skip
_ALONE |= {"trusted_identity": _ALONE["cert"], "trust_store": _ALONE["trust_policy"]}
_ALONE |= {"certificate_oidc_issuer": _KEYLESS, "plugin_dir": _ALONE["plugin"]}
_ALONE |= {"vex": ("--key", KEY, "--deny-cve", "CVE-2021-44228", "--vex", "vex.json")}
_VALUES = {
    "timeout": "7",
    "max_signatures": "7",
    "annotations": "a=b",
    "ca_file": CA,
    "platform": "linux/arm64",
}
_VALUES |= {"signature_repository": "example.com/s", "attachment_tag_prefix": "x-"}
_VALUES |= {"type": "slsaprovenance1", "maximum_age": "7h"}
_VALUES |= {"deny_license": "MIT", "allow_license": "MIT", "deny_package": "left-pad"}
_VALUES |= {"deny_severity": "high", "max_age": "24h"}
_VALUES |= {"type": "slsaprovenance1", "maximum_age": "7h", "verified_level": "SLSA_BUILD_LEVEL_2"}


_FLAGS = vars(build_parser("verify").parse_args(["verify"]))
_NOT_FLAGS = {"reference", "module", "version", "debug"}


@pytest.mark.parametrize("name", sorted(_FLAGS.keys() - _NOT_FLAGS))
def test_every_flag_of_verify_has_a_spelling_or_a_refusal(run: Run, tmp_path: Path, name: str) -> None:
    """A new flag that says what is trusted, and that the translation does not know, fails here."""
    _notation_folder(tmp_path)
    (tmp_path / "vex.json").write_text(json.dumps(openvex("sha256:" + "ab" * 32)))
    ran = run("config", "init", *(_ALONE.get(name) or _with_base(name)))
    assert ran.out != run("config", "init", "--key", KEY).out or name == "key"
    assert ran.code == 0 or "Leave it out here" in ran.err or "Leave out -c" in ran.err


def _with_base(name: str) -> tuple[object, ...]:
    """Return a flag, with the value that it needs, beside flags that say what is trusted."""
    base = _KEYLESS if name.startswith(("certificate_github", "insecure")) else ("--key", KEY)
    value = () if _FLAGS[name] is False else (_VALUES.get(name, "x"),)
    return (*base, f"--{name.replace('_', '-')}", *value)


def _notation_folder(tmp_path: Path) -> None:
    for folder in (tmp_path / "notation", tmp_path / "home" / ".config" / "notation"):
        folder.mkdir(parents=True)
        (folder / "trustpolicy.json").write_bytes((MATERIAL / "trustpolicy.json").read_bytes())
        (folder / "truststore").symlink_to(MATERIAL / "truststore")
    program = tmp_path / "plugins" / "checks" / "notation-checks"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
