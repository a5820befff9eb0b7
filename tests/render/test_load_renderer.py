"""Renderers of other packages: found by name, and contained."""

from pathlib import Path
from typing import Any

import pytest

from core.test_plugin import install
from pyratify.core.errors import ConfigurationError, InconclusiveError
from pyratify.core.plugin import Registry
from pyratify.core.report import Decision, ValidationResult
from pyratify.entrypoints.cli import main
from pyratify.render import json, text, tree
from pyratify.render.load_renderer import Renderer, load_renderer
from pyratify.terminal import exits
from pyratify.testing.renderer_contract import RendererContract, make_result

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
KEY = ("--key", str(MATERIAL / "keys" / "cosign.pub"), "--no-cache")
GOOD, BAD = (f"oci:{MATERIAL / 'layout'}:{tag}" for tag in ("cosign-v3", "wrong-key"))
CSV = '''
def render(result, *, color=False):
    """One line of values."""
    return f"{result.reference},{result.decision.value},{color}"
'''


class TestOurs(RendererContract):
    """Our own renderers keep the contract."""

    @pytest.fixture(params=[text.render, tree.render, json.render], ids=["text", "tree", "json"])
    def render(self, request: pytest.FixtureRequest) -> Renderer:
        """Each of them."""
        found: Renderer = request.param
        return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which packages can be installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def put(site: Path, source: str, name: str = "csv") -> None:
    """Install a renderer of that source, under a module of its own."""
    module = f"renderer_{abs(hash((source, str(site))))}"
    (site / f"{module}.py").write_text(source)
    install(site, "acme", f"{name} = {module}:render", kind="renderers")


@pytest.mark.parametrize("name", ["text", "tree", "json"])
def test_ours_are_found_without_a_search(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look at what is installed takes as long as a round trip."""
    monkeypatch.setattr("pyratify.core.plugin.Registry.load", None)
    assert load_renderer(name)(make_result(Decision.ALLOW))


def test_what_is_installed_prints_results(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name, for every reference; the exit code stays the result's."""
    put(site, CSV)
    assert main(["verify", *KEY, "-o", "csv", GOOD, BAD]) == exits.DENIED
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines == sorted([f"{GOOD},ALLOW,False", f"{BAD},DENY,False"])


def test_a_name_that_is_not_installed_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is asked; the nearest name is shown."""
    assert main(["verify", *KEY, "-o", "jsno", "localhost:1/app:v1"]) == exits.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "did you mean 'json'?" in err


def test_no_package_takes_the_place_of_ours(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a script reads as JSON is JSON, whatever is installed; the list of plugins shows the claim."""
    put(site, CSV, name="json")
    assert main(["verify", *KEY, "-o", "json", GOOD]) == exits.ALLOWED
    assert capsys.readouterr().out.startswith("{")
    with pytest.raises(ConfigurationError, match="claimed by more than one"):
        Registry[Any]("renderers").load("json", "")


@pytest.mark.parametrize(
    "source",
    [
        "def render(result, *, color=False): raise SystemExit(0)",
        "def render(result, *, color=False): raise ZeroDivisionError",
        "def render(result, *, color=False): return None",
        "def render(result): return 'ALLOWED'",
    ],
)
def test_a_renderer_that_fails_does_not_choose_the_exit_code(
    source: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An attempt to exit with 0 neither."""
    put(site, source)
    assert main(["verify", *KEY, "-o", "csv", BAD]) == exits.UNDECIDED
    out, err = capsys.readouterr()
    assert out == ""
    assert "the renderer 'csv'" in err
    with pytest.raises(InconclusiveError):
        load_renderer("csv")(make_result(Decision.ALLOW))


def test_what_is_no_function_is_refused(site: Path) -> None:
    """When it is loaded."""
    put(site, "render = 7")
    with pytest.raises(ConfigurationError, match="not a function"):
        load_renderer("csv")


def run_contract(render: Any) -> None:
    """Run every test of the contract."""
    contract = RendererContract()
    for name in dir(contract):
        if name.startswith("test_"):
            getattr(contract, name)(render)


@pytest.mark.parametrize(
    ("render", "told"),
    [
        (lambda result, *, color=False: "done", "look different"),
        (lambda result, *, color=False: "", "returns a text"),
        (lambda result, *, color=False: object(), "returns a text"),
        (lambda result, *, color=False: f"{result.decision.value}{result.error}{result.failure.message if result.failure else ''}", "escapes"),
    ],
)  # fmt: skip
def test_the_contract_finds_those_that_do_not_keep_it(render: Any, told: str) -> None:
    """One that says nothing, and one that shows what it got as it came."""
    with pytest.raises(AssertionError, match=told):
        run_contract(render)


def test_the_documented_example_is_a_renderer() -> None:
    """What the page on plugins shows keeps the contract."""
    page = (MATERIAL.parents[1] / "docs" / "writing-a-plugin.md").read_text()
    source = page[page.index("## Renderers") :].split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(source, names)
    allowed: ValidationResult = make_result(Decision.ALLOW)
    assert names["render"](allowed) == "example.com/team/app:v1,ALLOW,"
    RendererContract().test_hostile_text_moves_no_cursor(names["render"])
