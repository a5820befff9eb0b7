"""`ratify verify` with notation's own folder, as it is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, material: Path) -> Path:
    """Notation's folder in the user's configuration."""
    folder = tmp_path / "home" / ".config" / "notation"
    shutil.copytree(material / "truststore", folder / "truststore")
    shutil.copy(material / "trustpolicy.json", folder)
    return folder


def test_what_notation_trusts_is_trusted(
    folder: Path, run: Run, material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the user's own folder, by the variable and by the flag."""
    layout = f"oci:{material / 'layout'}"
    assert run("verify", "--notation", f"{layout}:notation-jws-ec").code == 0
    assert run("verify", "--notation", f"{layout}:unsigned").code == 1
    assert run("verify", "--notation-config", folder, f"{layout}:notation-jws-ec").code == 0
    moved = folder.rename(folder.parent / "elsewhere")
    assert run("verify", "--notation", f"{layout}:notation-jws-ec").code == 3
    monkeypatch.setenv("NOTATION_CONFIG", str(moved))
    assert run("verify", "--notation", f"{layout}:notation-jws-ec").code == 0


@pytest.mark.parametrize(
    "flags", [("--trust-policy", "x"), ("--trust-store", "x"), ("--cert", "x"), ("-c", "x")]
)
def test_notations_folder_excludes_what_says_otherwise(
    folder: Path, run: Run, flags: tuple[str, str]
) -> None:
    """Two sources of trust are a mistake, not a sum."""
    result = run("verify", "--notation-config", folder, *flags, "app")
    assert result.code == 3
    assert "exclude" in result.err or "--trusted-identity" in result.err


def test_wildcard_scopes_have_to_be_asked_for(folder: Path, run: Run, material: Path) -> None:
    """A prefix in a trust policy is refused as notation refuses it, until the flag says otherwise."""
    policy = json.loads((folder / "trustpolicy.json").read_bytes())
    policy["trustPolicies"] = policy["trustPolicies"][:1]
    policy["trustPolicies"][0]["registryScopes"] = ["example.com/team/*"]
    (folder / "trustpolicy.json").write_text(json.dumps(policy))
    arguments = (
        "verify",
        "--notation",
        "--scope",
        "example.com/team/app",
        f"oci:{material / 'layout'}:notation-jws-ec",
    )
    assert run(*arguments).code == 3
    assert run(*arguments, "--wildcard-scopes").code == 0
    assert run("verify", "--wildcard-scopes", "app").code == 3
