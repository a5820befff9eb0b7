"""The documentation says what the code says, and links to what is there."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pyratify
import pyratify.core
import pyratify.sync
from pyratify.config.yaml import loads

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("examples", "plugins")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(page for folder in FOLDERS for page in (ROOT / folder).rglob("README.md")),
    ]
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def test_generated_pages_are_what_the_code_says() -> None:
    """`make doc` would change nothing."""
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_what_is_there(page: Path) -> None:
    """Every relative link of a page names a file or folder of the repository, and a heading in it."""
    for target, anchor in _LINK.findall(page.read_text()):
        if "://" not in target:
            found = page.parent / target if target else page
            assert found.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in anchors(found), f"{page.name} links to {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = [re.sub(r"\]\([^)]*\)", "", each) for each in re.findall(r"^#+ (.*)", text, re.MULTILINE)]
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_yaml_are_read_as_a_configuration_is(page: Path) -> None:
    """Without anchors and duplicate keys; an example that does not parse cannot be pasted."""
    for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        if "\n---" not in text:
            assert loads(text.encode()), page.name


def test_every_extra_is_in_the_table_of_the_first_page() -> None:
    """What can be installed is said where it is installed."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    table = (ROOT / "README.md").read_text().partition("## Install")[2].partition("##")[0]
    assert {name for name in extras if f"`{name}`" not in table} == {"dev", "mutants"}


def test_every_decision_is_in_the_index() -> None:
    """A reader finds each decision from its index."""
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    for page in folder.glob("0*.md"):
        assert f"({page.name})" in index, page.name


def test_the_architecture_names_modules_that_are_there() -> None:
    """Every module and package that the page names is a file or folder of the package or the repository."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    package = ROOT / "src" / "pyratify"
    known = {f"/{path.relative_to(package)}{'/' * path.is_dir()}" for path in package.rglob("*")}
    known |= {f"/pyratify/{name}" for name in ("__init__.py", "__main__.py")}
    named = re.findall(r"`([\w/-]+(?:\.py|/))`", text)
    assert len(named) > 50
    missing = [name for name in named if not any(path.endswith(f"/{name}") for path in known)]
    assert [name for name in missing if not (ROOT / name).exists()] == []


def test_the_architecture_walks_as_the_core_does() -> None:
    """The walk has the same words in the page and in the docstring of the core."""
    tour = (pyratify.core.__doc__ or "").replace("`*", "`")  # a star marks what to read first
    steps = [" ".join(step.split()) for step in re.findall(r"^[1-9]\. .*(?:\n {3}\S.*)*", tour, re.MULTILINE)]
    text = (ROOT / "docs" / "architecture.md").read_text().replace("`core/", "`")
    assert len(steps) == 9
    assert [step for step in steps if step not in text] == []


def test_contributing_shows_the_layers_of_the_contract() -> None:
    """The list of layers is the one that lint-imports checks."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    shown = "\n".join(f"    {layer}" for layer in layers)
    assert f"\n\n{shown}\n\n" in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_readmes_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first Python block of the README decides about the signed images of the repository."""
    monkeypatch.chdir(ROOT)
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    exec(block[1], {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["cosign-v3", "ALLOW"],
        ["wrong-key", "DENY"],
        ["unsigned", "DENY"],
    ]


def test_the_librarys_page_has_examples_that_run_and_lists_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of Python is executed, its functions decide, and every name of it is public."""
    material = ROOT / "examples" / "material"
    key = (material / "keys" / "cosign.pub").read_text()
    policy = {"trustPolicies": [{"keys": {"inline": {"keys": key}}}]}
    layout = {"path": str(material / "layout"), "allowBareTags": True}
    executor = {
        "scopes": ["registry.example.com"],
        "verifiers": [{"name": "cosign", "type": "cosign", "parameters": policy}],
        "stores": [{"type": "filesystem-oci-store", "parameters": layout}],
    }
    (tmp_path / "ratify.yaml").write_text(json.dumps({"executors": [executor]}))
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "library.md").read_text()
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, names)
    good, bad = (f"registry.example.com/app:{tag}" for tag in ("cosign-v3", "wrong-key"))
    assert (asyncio.run(names["may_run"](good)), asyncio.run(names["may_run"](bad))) == (True, False)
    assert (names["may_run_now"](good), names["may_run_now"](bad)) == (True, False)
    with pyratify.sync.open_engine("ratify.yaml") as engine:
        assert names["explain"](engine.validate(bad)).startswith("POLICY_UNSATISFIED: ")
        assert json.loads(names["explain"](engine.validate(good)))["succeeded"] is True
    listed = re.search(r"For annotations: (.*?)\n\n", text, re.DOTALL)
    assert listed is not None
    public = {name for name in re.findall(r"`(\w+)`", listed[1]) if name[0].isupper()}
    assert public <= set(pyratify.__all__)
    assert "Engine" in public
