"""Plugins, found by name through entry points."""

import sys
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import KINDS, Plugin, Registry
from support.scenes import KIND

OURS = {
    "stores": {"registry-store", "filesystem-oci-store"},
    "verifiers": {"notation", "cosign"},
    "policies": {"threshold-policy", "any-all", "config-policy", "cel-policy", "rego-policy"},
    "languages": {"cel", "rego"},
    "credentials": {"anonymous", "static", "docker"},
    "keys": {"inline", "files"},
    "notation_plugins": set(),
    "renderers": {"text", "tree", "json"},
}


def install(folder: Path, package: str, *entries: str, kind: str = "verifiers") -> None:
    """Install a package that consists of entry points, and of a module `package`_plugin."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join([f"[pyratify.{kind}]", *entries]) + "\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which packages can be installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_plugins_use_the_same_door(kind: str) -> None:
    """Every kind has its plugins, declared by the distribution as those of other distributions are."""
    names = Registry[object](kind).names()
    assert OURS[kind] <= set(names)
    assert list(names) == sorted(names)


def test_a_plugin_is_imported_when_it_is_asked_for(site: Path) -> None:
    """Its module is executed by `load` and by nothing before."""
    (site / "toy_plugin.py").write_text("plugin = object()\n")
    install(site, "toy", "toy = toy_plugin:plugin", "broken = no_such_module:plugin")
    registry = Registry[object]("verifiers")
    assert registry.names()["toy"] == ("toy",)
    assert registry.load("toy", "verifiers[0]") is registry.load("toy", "verifiers[0]")


def test_two_packages_that_claim_one_name_are_refused(site: Path) -> None:
    """Neither is imported; the message names both, and the list shows both."""
    install(site, "one", "toy = one_plugin:plugin")
    install(site, "two", "toy = two_plugin:plugin")
    registry = Registry[object]("verifiers")
    assert set(registry.names()["toy"]) == {"one", "two"}
    with pytest.raises(ConfigurationError, match=r"verifiers\[0\]: 'toy' is claimed by .* one, two"):
        registry.load("toy", "verifiers[0]")


def test_two_packages_that_claim_the_same_module_are_refused(site: Path) -> None:
    """One may have taken the other's module name as well."""
    install(site, "one", "toy = toy_plugin:plugin")
    install(site, "two", "toy = toy_plugin:plugin")
    with pytest.raises(ConfigurationError, match="more than one package"):
        Registry[object]("verifiers").load("toy", "")


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    """A near miss suggests; otherwise what is installed is listed."""
    registry = Registry[object]("verifiers")
    with pytest.raises(ConfigurationError, match=r"did you mean 'notation'\?"):
        registry.load("notatoin", "verifiers[0]")
    with pytest.raises(ConfigurationError, match=r"installed are: .*cosign"):
        registry.load("zzz", "verifiers[0]")


@pytest.mark.parametrize(
    ("kind", "name", "extra"),
    [
        ("credentials", "aws", "aws"),
        ("credentials", "azure", "azure"),
        ("keys", "gcpkms", "gcp"),
        ("keys", "hashivault", "vault"),
        ("notation_plugins", "com.amazonaws.signer.notation.plugin", "aws"),
    ],
)
def test_a_plugin_of_a_package_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    kind: str, name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a verifier of such a name is only unknown."""
    without = [each for each in sys.path if "site-packages" not in each]
    monkeypatch.setattr(sys, "path", without)
    with pytest.raises(ConfigurationError, match="its package is not installed") as refusal:
        Registry[object](kind).load(name, "here")
    assert refusal.value.remedy == f"Run: pip install 'pyratify[{extra}]'."
    with pytest.raises(ConfigurationError, match="installed are") as refusal:
        Registry[object]("verifiers").load(name, "here")
    assert extra not in refusal.value.remedy


@pytest.mark.parametrize(
    "source",
    ["import no_such_module_either", "raise ValueError('x')", "1 +", "other = 1"],
    ids=["import", "exception", "syntax", "attribute"],
)
def test_a_plugin_that_cannot_be_imported_is_a_fault_of_the_configuration(site: Path, source: str) -> None:
    """Whatever its module raises, the path and the name are told and no traceback is needed."""
    module = f"bad_plugin_{abs(hash(source))}"
    (site / f"{module}.py").write_text(source + "\n")
    install(site, "bad", f"bad = {module}:plugin")
    with pytest.raises(ConfigurationError, match=r"verifiers\[1\]: 'bad' cannot be imported"):
        Registry[object]("verifiers").load("bad", "verifiers[1]")


def test_a_plugin_is_described_by_its_options_and_its_summary() -> None:
    """What `ratify plugins` shows and the configuration reader needs."""

    async def build(name: str, options: object, resources: object) -> str:
        return name

    plugin = Plugin(options=dict, build=build, summary=KIND)
    assert (plugin.options, plugin.summary) == (dict, KIND)
