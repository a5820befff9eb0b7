"""The cosign plugin: Ratify v2's parameters, strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reference import Reference
from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.testing.fakes import FakeClock
from pyratify.verifiers.cosign.plugin import plugin
from pyratify.verifiers.cosign.verifier import CosignVerifier
from verifiers.cosign.setting import KEY, ONE, Setting, passed

KEYS = {"inline": {"keys": "..."}}


@dataclass(frozen=True)
class Provider:
    """Delivers what it is given."""

    found: tuple[KeyMaterial, ...]

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """The keys."""
        return self.found


@dataclass(frozen=True)
class Lent:
    """What a configuration reader lends, with one key whatever is asked for."""

    clock: Clock
    key: CosignKey = KEY
    scopes: tuple[str, ...] = ("example.com",)
    verifiers: tuple[str, ...] = ("cosign",)
    base: Path = Path()

    async def keys(self, sources: Mapping[str, Any], path: str) -> Provider:
        """One key."""
        assert path == "trustPolicies[0].keys"
        assert len(sources) == 1
        return Provider((self.key.material,))

    async def certificates(self, sources: Mapping[str, Any], path: str) -> Any:
        """Never asked for."""
        raise NotImplementedError

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> Any:
        """Never asked for."""
        raise NotImplementedError


async def build(*policies: Mapping[str, Any]) -> CosignVerifier:
    """Build the verifier from parameters as they stand in a file."""
    options = msgspec.convert({"trustPolicies": list(policies)}, plugin.options)
    built = await plugin.build("cosign", options, Lent(FakeClock()))
    assert isinstance(built, CosignVerifier)
    return built


@pytest.mark.parametrize(
    "parameters",
    [
        {"keys": KEYS},
        {"scopes": ["example.com/app"], "keys": KEYS, "ignoreTLog": True},
        {
            "keys": KEYS,
            "certificateIdentity": "",
            "certificateIdentityRegex": "",
            "certificateOIDCIssuer": "",
            "certificateOIDCIssuerRegex": "",
            "ignoreTLog": False,
            "ignoreCTLog": False,
            "ignoreObserverTimestamps": False,
        },
        {"keys": KEYS, "annotations": {}, "requireDockerReference": False},
    ],
)
async def test_the_parameters_of_ratify_v2_verify_a_signature(parameters: dict[str, Any]) -> None:
    """With and without scopes, which default to the executor's."""
    from pyratify.core.executor import Executor

    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(setting.image.digest)))
    executor = Executor(store=setting.store, verifiers=(await build(parameters),), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
    details = passed(result)
    assert details.data.get("ignored") == (["tlog"] if parameters.get("ignoreTLog") else None)


@pytest.mark.parametrize(
    ("parameters", "path", "told"),
    [
        ({}, "trustPolicies[0]", "neither keys nor"),
        ({"keys": {}}, "trustPolicies[0]", "neither keys nor"),
        ({"ignoreTLog": True}, "trustPolicies[0]", "neither keys nor"),
        ({"keys": {"inline": {}, "files": []}}, "trustPolicies[0].keys", "more than one"),
        ({"certificateIdentity": "a@b.c"}, "trustPolicies[0]", "not available yet in this version"),
        ({"certificateOIDCIssuerRegex": ".*"}, "trustPolicies[0]", "not available yet in this version"),
        ({"keys": KEYS, "certificateIdentity": "a@b.c"}, "trustPolicies[0]", "one or the other"),
        ({"keys": KEYS, "predicateTypes": []}, "trustPolicies[0].predicateTypes", "at least one"),
        ({"keys": KEYS, "scopes": []}, "trustPolicies[0].scopes", "at least one"),
    ],
)
async def test_a_trust_policy_that_cannot_be_meant_is_refused_at_its_path(
    parameters: dict[str, Any], path: str, told: str
) -> None:
    """Nobody trusted, two modes at once, or a mode that is not there yet."""
    with pytest.raises(ConfigurationError, match=told) as caught:
        await build(parameters)
    assert caught.value.path == path


async def test_no_trust_policy_at_all_is_refused() -> None:
    """An empty list trusts nobody."""
    with pytest.raises(ConfigurationError, match="at least one trust policy"):
        await build()


@pytest.mark.parametrize(
    "parameters",
    [
        {"trustPolicies": [{"keys": KEYS}], "ignoreTLog": True},
        {"trustPolicies": [{"keys": KEYS, "ignoreTlog": True}]},
        {"trustPolicies": [{"keys": KEYS, "ignoreTLog": "yes"}]},
        {"trustPolicies": {"keys": KEYS}},
        {},
    ],
)
def test_unknown_and_mistyped_parameters_are_refused(parameters: dict[str, Any]) -> None:
    """Also a known one in the wrong place."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(parameters, plugin.options)
