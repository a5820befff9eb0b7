"""Refusals of the command line: what to do is true for the very case."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
KEY = ("--key", str(MATERIAL / "keys" / "cosign.pub"))
CA = str(MATERIAL / "certs" / "ca.pem")
POLICY = str(MATERIAL / "trustpolicy.json")
LAYOUT = f"oci:{MATERIAL / 'layout'}"
Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        (("verify", *KEY, "https://ghcr.io/a/b"), "not a reference", "Leave out https://: 'ghcr.io/a/b'"),
        (("verify", *KEY, "http://x:5000/a"), "not a reference", "--plain-http"),
        (("verify", *KEY, "./folder"), "not a reference", "write oci:./folder"),
        (("verify", *KEY, "ghcr.io/Foo/Bar"), "lower case", "ghcr.io/foo/bar"),
        (("verify", *KEY, "Team/app"), "domain or a port", "localhost:5000"),
        (("verify", *KEY, ""), "it is empty", "variable of the shell"),
        (("verify", *KEY, "oci:"), "names no path", "oci:DIR:TAG"),
        (("verify", *KEY, "oci:nowhere"), "no layout at", "index.json"),
        (("verify", *KEY), "no reference given", "--from-file"),
        (("verify", "app"), "nothing says what to trust", "--key FILE"),
        (("verify", "-c", "x", *KEY, "app"), "-c and --key exclude", "Leave out one of them"),
        (("verify", "-c", "x", "--cert", CA, "app"), "-c and --cert exclude", "Leave out one of them"),
        (("verify", "-c", "missing.yaml", "app"), "missing.yaml cannot be read", "Check the path"),
        (("verify", "--key", "private.pem", "app"), "private key", "-pubout"),
        (("verify", "--key", CA, "app"), "holds a certificate", "--cert"),
        (("verify", "--key", "/dev/null", "app"), "is empty", "file that you mean"),
        (("verify", "--key", "missing.pub", "app"), "cannot be read: No such file", "Check the path"),
        (("verify", "--cert", CA, "app"), "--cert needs --trusted-identity", "'*'"),
        (("verify", "--cert", CA, "--trusted-identity", "*", "--plugin", "x", "app"), "--plugin: ", "--plugin-dir"),
        (("verify", *KEY, "-a", "x", "app"), "KEY=VALUE", "-a key=value"),
        (("verify", *KEY, "-a", "x=1", "-a", "x=2", "app"), "another value", "once"),
        (("verify", *KEY, "--scope", "a/b:c", "oci:folder"), "--scope", "registry/repository"),
        (("inspect", "./missing"), "no file ./missing", "oci:DIR:TAG"),
        (("inspect", CA + "x"), "no file", "Check the path"),
        (("config", "convert", "empty.yaml"), "0 documents", "not empty"),
        (("config", "convert", "--name", "Not_Good", "some.yaml"), "is not a valid name of a resource", "small letters"),
        (("config", "check", "-c", "tabs.yaml"), "tabs.yaml: line 2: not YAML", "indentation"),
        (("config", "check", "-c", "twice.yaml"), "given twice", "one way"),
        (("trust", "sigstore", "--if-stale"), "--if-stale", "--refresh"),
        (("trust", "sigstore", "--mirror", "x", "--staging", "--root", "y"), "exclude", "Leave one of them out"),
        (("trust", "notation", "--cert", CA, "--notation"), "excludes", "two runs"),
        (("explain", "NOPE"), "no reason code", "ratify explain"),
        (("verify", *KEY, "--max-signatures", "0", "app"), "'0' is no whole number from 1 to 10000", "--help"),
        (("verify", *KEY, "--timeout", "soon", "app"), "'soon' is no number of seconds", "--help"),
        (("verify", "--cert", CA, "--trusted-identity", "CN=x", "app"), "--trusted-identity: ", "C, ST and O"),
        (("verify", "--trust-policy", POLICY, "--trust-store", "folder", "app"), "no such folder", "notation cert add"),
    ],
)  # fmt: skip
def test_the_remedy_fits_the_refusal(
    arguments: tuple[str, ...], message: str, remedy: str, run: Run, tmp_path: Path
) -> None:
    """One case each; none sends its reader to the configuration where there is none."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "private.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "some.yaml").write_text("executors: []\n")
    (tmp_path / "tabs.yaml").write_text("executors:\n\t- x\n")
    (tmp_path / "twice.yaml").write_text("executors: []\nexecutors: []\n")
    code, out, err = run(*arguments)
    assert code in (2, 3)
    said = out + err
    assert message in said
    assert remedy in said.partition("what to do: ")[2]
    assert "at the path that is named" not in said


@pytest.mark.parametrize("text", ["Bad/" + "x" * 2000, "Bad\x00name", "-"])
def test_texts_that_are_no_paths_either_are_refused_all_the_same(text: str, run: Run) -> None:
    """Looking for a file of that name harms nothing."""
    code, out, err = run("verify", *KEY, "--", text)
    assert (code, out) == (3, "")
    assert "not a reference" in err


@pytest.mark.parametrize(
    ("tag", "identity", "remedy"),
    [
        ("wrong-ca", "*", "with --cert"),
        ("notation-jws-ec", "C=DE, ST=X, O=Other", "with --trusted-identity"),
    ],
)
def test_what_flags_trust_is_widened_by_flags(tag: str, identity: str, remedy: str, run: Run) -> None:
    """No policy is named where there is none."""
    code, out, _ = run("verify", "--cert", CA, "--trusted-identity", identity, f"{LAYOUT}:{tag}")
    assert code == 1
    assert remedy in out.partition("what to do: ")[2]
    files = ("--trust-policy", POLICY, "--trust-store", MATERIAL / "truststore")
    assert "with --cert" not in run("verify", *files, f"{LAYOUT}:wrong-ca").out
