"""Arguments that are files or references."""

from pathlib import Path

import pytest

from pyratify.entrypoints.cli import main

MISSING = ("nofile.json", "./app", "../app", "/nowhere/app", "keys/cosign.PUB")


@pytest.mark.parametrize("path", MISSING)
@pytest.mark.parametrize("command", [("inspect",), ("inspect", "--sbom"), ("sbom", "diff")])
def test_a_file_that_is_not_there_is_no_image_of_docker_hub(
    path: str,
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a reference its error would speak of registries; nothing is sent to one."""
    monkeypatch.chdir(tmp_path)
    assert main([*command, path, *["other.json"] * (command[0] == "sbom")]) == 3
    assert f"there is no file {path}" in capsys.readouterr().err


def test_an_image_that_is_called_like_a_file_is_read_by_its_tag(capsys: pytest.CaptureFixture[str]) -> None:
    """The remedy works."""
    assert main(["inspect", "127.0.0.1:1/team/app.json:v1"]) == 2
    assert "REGISTRY_UNREACHABLE" in capsys.readouterr().err


def test_a_misspelt_type_of_statement_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    """As every other misspelt value does."""
    code = main(["verify", "--key", "cosign.pub", "--type", "slsaprovenence1", "registry.example.com/app:v1"])
    assert code == 3
    assert "Did you mean 'slsaprovenance1'?" in capsys.readouterr().err
