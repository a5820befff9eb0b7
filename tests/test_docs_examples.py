"""What the pages show can be pasted: commands parse, and configurations can be built."""

import argparse
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pyratify
from pyratify.config.yaml import loads
from pyratify.entrypoints.cli.parser import build_parser
from pyratify.testing.vulnerability import openvex

ROOT = Path(__file__).resolve().parent.parent
KEYS = ROOT / "examples" / "material" / "keys"
ROOTS = ROOT / "src" / "pyratify" / "sigstore" / "roots"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
_SHELL = re.compile(r"^( *)```(?:console|sh)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_YAML = re.compile(r"^( *)```yaml\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_COSIGN = {"type": "cosign", "parameters": {"trustPolicies": [{"keys": {"files": ["cosign.pub"]}}]}}
_VERIFIERS = ("cosign", "notation", "sbom", "scan", "provenance", "signature")
_FILES = ("cosign.pub", "scanner.pub", "security-team.pub", "new.pub")
# The webhook's rules, values of the chart and of constraints, manifests, what refers to Secrets, and a root that is not shipped.
_ELSEWHERE = re.compile(
    r"\A *(?:rules|image|apiVersion):|signatureVerifiers:|kubernetes:|trustedRoot: github$", re.MULTILINE
)


def commands(page: Path) -> Iterator[str]:
    """Iterate over the command lines of `ratify` on a page, in blocks and indented."""
    text = page.read_text()
    lines = "\n".join(block for _, block in _SHELL.findall(text)) + "\n"
    lines += "\n".join(re.findall(r"^    (ratify .*)$", text, re.MULTILINE))
    for line in lines.replace("\\\n", " ").splitlines():
        if found := re.search(r"(?:^\s*\$? ?|&& |\| |<\()(?:[A-Z_]+=\S+ +)*(ratify(?:-\w+)* .+)", line):
            yield found[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_are_ones_that_the_command_line_takes(page: Path) -> None:
    """Every command, action, flag and choice exists."""
    for line in commands(page):
        words = shlex.split(re.split(r" [|>&]|\) *(?:#|$)", line)[0], comments=True)
        if words[0] == "ratify":
            build_parser(words[1]).parse_args(words[1:])


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Iterate over the flags of a command and of those below it."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from options(below)


def test_values_that_a_page_gives_for_a_flag_are_among_its_choices() -> None:
    """As `--namespaces required` in a sentence."""
    choices: dict[str, set[str]] = {}
    for action in options(build_parser()):
        for flag in action.option_strings if action.choices else ():
            choices.setdefault(flag, set()).update(action.choices or ())
    pairs = [pair for page in PAGES for pair in re.findall(r"`(--[a-z-]+)[ =]([\w-]+)`", page.read_text())]
    assert len([flag for flag, _ in pairs if flag in choices]) > 5
    assert [(flag, value) for flag, value in pairs if value not in choices.get(flag, {value})] == []


def test_every_flag_is_on_a_page() -> None:
    """In full, or by the end of a family's names."""
    text = "\n".join(page.read_text() for page in PAGES)
    flags = {flag for action in options(build_parser()) for flag in action.option_strings if flag[:2] == "--"}
    flags -= {"--help"}
    assert len(flags) > 100
    named = set(re.findall(r"--[a-z-]+", text))
    named |= {f"--certificate-github-workflow{end}" for end in re.findall(r"`…(-[a-z]+)`", text)}
    assert sorted(flags - named) == []


def configuration(document: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration that a block is a part of."""
    executor: dict[str, Any] = {
        "scopes": ["registry.example.com"],
        "verifiers": [{"name": name} | _COSIGN for name in _VERIFIERS],
    }
    first = next(iter(document))
    if first == "executors":
        return document
    if first == "node":
        return {"executors": [executor], **document}
    if first in {"verifiers", "policyEnforcer", "stores"}:
        return {"executors": [executor | document]}
    if first == "expression":
        policy = {"type": "cel-policy", "parameters": document}
        return {"executors": [executor | {"policyEnforcer": policy}]}
    if first == "credential":
        store = {"type": "registry-store", "parameters": document}
        return {"executors": [executor | {"stores": [store]}]}
    return {"executors": [executor | {"verifiers": [{"name": "a"} | _verifier(document)]}]}


def _verifier(document: dict[str, Any]) -> dict[str, Any]:
    match next(iter(document)):
        case "keys":
            return {"type": "cosign", "parameters": {"trustPolicies": [document]}}
        case "trustPolicies":
            return {"type": "cosign", "parameters": document}
        case "vex":
            rules = {"trustPolicies": document["vex"]["trustPolicies"]}
            rules["vulnerability"] = document | {"deniedSeverities": ["high"]}
            return {"type": "attestation", "parameters": rules}
        case _:
            return {"type": "attestation"} | document


def blocks() -> Iterator[Any]:
    """Iterate over all blocks of YAML that are a configuration or a part of one."""
    for page in PAGES:
        for number, (_, text) in enumerate(_YAML.findall(page.read_text())):
            if not _ELSEWHERE.search(text):
                yield pytest.param(configuration(loads(text.encode())), id=f"{page.name}-{number}")


def write_files(folder: Path) -> None:
    """Write the files that the examples name."""
    for name in _FILES:
        shutil.copy(KEYS / "cosign.pub", folder / name)
    shutil.copy(KEYS / "other.pub", folder / "old.pub")
    (folder / "platform.openvex.json").write_text(json.dumps(openvex("sha256:" + "ab" * 32)))
    for name in ("sarif-2.1.0.json", "test-result.schema.json"):
        (folder / name).write_text('{"type": "object"}')
    (folder / "private").mkdir()
    shutil.copy(ROOTS / "public-good" / "trusted_root.json", folder / "private" / "trusted_root.json")


@pytest.mark.parametrize("found", [*blocks()])
async def test_a_configuration_of_a_page_can_be_used(
    found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the files that it names, every plugin accepts its parameters."""
    write_files(tmp_path)
    text = json.dumps(found)
    for word, module in (('"cel', "cel_expr_python"), ('"rego-policy"', "regorus")):
        if word in text:
            pytest.importorskip(module, reason="an extra is not installed")
    for name in re.findall(r"(?<!\$)\$\{(\w+)\}", text):
        monkeypatch.setenv(name, "ab" * 32)
    (tmp_path / "ratify.json").write_text(text)
    async with pyratify.open_engine(tmp_path / "ratify.json"):
        pass
