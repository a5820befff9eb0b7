"""Keys of services, named as cosign names them."""

import re
import tomllib
from pathlib import Path

import pytest

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.keys.references import check_reference
from pyratify.testing.fakes import FakeClock
from support.key_services import KeyService, hide

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


async def read(*references: object, resources: BuildResources | None = None) -> tuple[KeyMaterial, ...]:
    """Read keys as a trust policy does."""
    services = resources or BuildResources(FakeClock(), Path())
    return await (await services.keys({"references": list(references)}, "keys")).keys()


async def test_the_plugin_that_is_called_like_the_scheme_reads_a_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is given the whole reference, and its keys may change while the engine is in use."""
    service = KeyService({"1": b"a", "2": b"b"})
    service.install(monkeypatch, "hashivault")
    resources = BuildResources(FakeClock(), Path())
    found = await read("hashivault://signing", resources=resources)
    assert [each.version for each in found] == ["1", "2"]
    assert service.asked == ["hashivault://signing"]
    assert [source.name for source in resources.shared.key_sources] == ["hashivault"]


async def test_a_reference_without_its_plugin_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to do without."""
    hide(monkeypatch, "hashivault")
    with pytest.raises(ConfigurationError, match="names a key in HashiCorp Vault") as caught:
        await read("hashivault://signing")
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    assert "pip install pyratify-vault" in caught.value.remedy
    assert caught.value.path == "keys.references"


@pytest.mark.parametrize(
    "scheme", ["awskms", "gcpkms", "azurekms", "hashivault", "openbao", "alikms", "pkcs11"]
)
def test_only_a_package_that_reads_the_reference_is_named(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its own entry points say, which are beside these sources."""
    hide(monkeypatch, scheme)
    with pytest.raises(ConfigurationError) as caught:
        check_reference(f"{scheme}://x", "--key")
    found = re.search(r"pip install (pyratify-\w+)", caught.value.remedy)
    readers = [path.parent.name for path in PLUGINS.glob("*/pyproject.toml") if _reads(path, scheme)]
    assert readers == ([found[1]] if found else [])


def _reads(path: Path, scheme: str) -> bool:
    document = tomllib.loads(path.read_text())
    return scheme in document["project"]["entry-points"].get("pyratify.keys", {})


@pytest.mark.parametrize("text", ["cosign.pub", "vault://x", "awskms:alias/x", "", 7, "://x"])
async def test_what_is_no_reference_is_refused(text: object) -> None:
    """A path below `references` is a mistake with a place."""
    with pytest.raises(ConfigurationError) as caught:
        await read(text)
    assert caught.value.path.startswith("keys.references")


async def test_a_reference_below_files_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the plugin is installed, the remedy is the other key of the configuration."""
    KeyService({"1": b"a"}).install(monkeypatch, "hashivault")
    with pytest.raises(ConfigurationError) as caught:
        await BuildResources(FakeClock(), Path()).keys({"files": ["hashivault://signing"]}, "keys")
    assert "references: [hashivault://signing]" in caught.value.remedy
