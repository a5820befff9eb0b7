"""Attacks of one tenant on another, or on what only the provider can reach."""

from dataclasses import dataclass, field

import pytest

from providers import MUTATE, VERIFY, BellClock, Here, items, provider, signed
from pyratify.core.reason import Reason
from pyratify.core.verdicts import Verdicts
from pyratify.entrypoints.gatekeeper.keys import Namespaces
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.serving.source import Lent
from pyratify.testing.memory import MemoryStore

V1_MUTATE = "/ratify/gatekeeper/v1/mutate"


@dataclass
class Recording(Here):
    """A source that notes whose configuration was asked for."""

    asked: list[str] = field(default_factory=list)

    def lend(self, namespace: str) -> Lent | None:
        """Note the namespace."""
        self.asked.append(namespace)
        return self.current


def recording(store: MemoryStore, namespaces: str = "optional") -> tuple[Provider, list[str]]:
    """Return a provider, and the list of the namespaces whose configurations it asks for."""
    source, clock = Recording(provider(store).source.lend("")), BellClock()
    settings = Settings(namespaces=Namespaces(namespaces))
    return Provider(source, Verdicts(clock), settings, clock), source.asked


async def test_a_prefix_names_the_tenant_of_a_verification() -> None:
    """Where the constraint template writes it, which takes it from the object's namespace."""
    one, asked = recording(signed())
    (item,) = await items(one, "[team]example.com/app:v1", path=VERIFY)
    assert item["value"]["succeeded"] is True
    assert set(asked) == {"team"}


@pytest.mark.parametrize("path", [MUTATE, V1_MUTATE])
@pytest.mark.parametrize("namespaces", ["optional", "required", "disabled"])
@pytest.mark.parametrize("prefix", ["[victim]", "[]", "[kube-system]", "[victim][team]"])
async def test_atk_293_brackets_in_a_mutation_key_name_no_tenant(
    prefix: str, namespaces: str, path: str
) -> None:
    """A Pod's image is its author's text: it is refused and kept as it came, and no tenant's credentials are used."""
    store = signed()
    one, asked = recording(store, namespaces)
    key = f"{prefix}example.com/app:v1"
    (item,) = await items(one, key, path=path)
    assert item["value"] == key
    assert item["error"].startswith(f"{Reason.REF_INVALID}: ")
    assert set(asked) <= {""}
    assert store.calls == []


@pytest.mark.parametrize("namespaces", ["optional", "required", "disabled"])
async def test_atk_293_mutation_pins_images_in_every_mode(namespaces: str) -> None:
    """Gatekeeper sends what the Pod says, without a prefix, whatever the constraint templates do."""
    store = signed()
    one = provider(store, namespaces=namespaces)
    (item,) = await items(one, "example.com/app:v1", path=MUTATE)
    assert item == {"key": "example.com/app:v1", "value": f"example.com/app@{store.tags['v1']}"}


@pytest.mark.parametrize("path", [MUTATE, V1_MUTATE])
async def test_atk_293_a_registry_at_an_address_is_kept_as_it_came(path: str) -> None:
    """Its brackets are not cut off where the tag cannot be resolved."""
    key = "[::1]:5000/team/app:gone"
    (item,) = await items(provider(signed()), key, path=path)
    assert item["value"] == key
    assert item["error"].startswith(f"{Reason.NOT_FOUND}: ")
