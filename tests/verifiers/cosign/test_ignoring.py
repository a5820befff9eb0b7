"""Ratify v2's `ignoreTLog`, `ignoreCTLog` and `ignoreObserverTimestamps`: every combination, with keys, keys and a root, identities."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.testing.cosign import REPOSITORY, attach_bundle, sign_statement, statement
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_plugin import plugin
from support.cosign_setting import KEY, ONE, Setting
from support.plugins import FakeResources

SIGSTORE = PrivateSigstore()
FLAGS = {"tlog": "ignoreTLog", "ctlog": "ignoreCTLog", "observerTimestamps": "ignoreObserverTimestamps"}
COMBINATIONS = [
    tuple(name for name, chosen in zip(FLAGS, choice, strict=True) if chosen)
    for choice in product((False, True), repeat=3)
]
SIGNED: dict[str, dict[str, Any]] = {
    "promise": {},
    "second log": {"log": 2},
    "stamp": {"log": 0, "stamp": True},
    "nothing": {"log": 0, "stamp": False},
    "no certificate log": {"sct": "none", "stamp": True},
}


class Provider:
    """Delivers one key."""

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """The key."""
        return (KEY.material,)


class Lent(FakeResources):
    """What a configuration reader lends."""

    async def keys(self, sources: Mapping[str, Any], path: str) -> Provider:
        """The key, whatever is asked for."""
        return Provider()


async def verdict(setting: Setting, base: Path, **parameters: Any) -> ValidationResult:
    """Build the verifier from a configuration's parameters, and ask for one signature."""
    options = msgspec.convert({"trustPolicies": [parameters]}, plugin.options)
    verifier = await plugin.build("cosign", options, Lent(base, ("*",)))
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    return await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))


def signed(how: str, **more: Any) -> Setting:
    """An image with one bundle of the private instance."""
    setting = Setting()
    signing = Signing(**{**SIGNED[how], **more})
    attach_bundle(
        setting.store, setting.image, SIGSTORE.sign_statement(statement(setting.image.digest), signing)
    )
    return setting


def flags(ignored: tuple[str, ...]) -> dict[str, bool]:
    """The flags as they stand in a configuration, also those that are not set."""
    return {flag: name in ignored for name, flag in FLAGS.items()}


def ignored_of(result: ValidationResult) -> tuple[str, ...]:
    """What the report says was not looked at."""
    (details,) = [each.details for report in result.artifacts for each in report.results if each.details]
    return tuple(details.data.get("ignored", ()))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with the trusted root."""
    (tmp_path / "root.json").write_bytes(SIGSTORE.root.data)
    return tmp_path


@pytest.mark.parametrize("ignored", COMBINATIONS, ids=lambda names: "-".join(names) or "none")
async def test_an_image_signed_offline_with_a_key_needs_no_flag(base: Path, ignored: tuple[str, ...]) -> None:
    """No log, no timestamp, no root: it verifies as it is, and every flag is harmless and reported."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(setting.image.digest)))
    result = await verdict(setting, base, keys={"any": {}}, **flags(ignored))
    assert result.decision is Decision.ALLOW
    assert ignored_of(result) == ignored


@pytest.mark.parametrize("how", ["promise", "second log", "stamp", "nothing"])
@pytest.mark.parametrize("ignored", COMBINATIONS, ids=lambda names: "-".join(names) or "none")
async def test_beside_a_key_and_a_root_a_log_entry_is_asked_for(
    base: Path, ignored: tuple[str, ...], how: str
) -> None:
    """Unless `ignoreTLog` says otherwise; the other two flags change nothing there."""
    setting = signed(how, key=KEY)
    result = await verdict(setting, base, keys={"any": {}}, trustedRoot="root.json", **flags(ignored))
    is_logged = how in ("promise", "second log")
    assert (result.decision is Decision.ALLOW) is (is_logged or "tlog" in ignored)


@pytest.mark.parametrize("how", SIGNED)
@pytest.mark.parametrize("ignored", COMBINATIONS, ids=lambda names: "-".join(names) or "none")
async def test_a_certificate_needs_a_time_and_its_log_unless_that_is_ignored(
    base: Path, ignored: tuple[str, ...], how: str
) -> None:
    """A configuration that leaves no source of time is refused; a signature without one is denied."""
    identity = {"certificateIdentity": SUBJECT, "certificateOIDCIssuer": ISSUER, "trustedRoot": "root.json"}
    if {"tlog", "observerTimestamps"} <= set(ignored):
        with pytest.raises(ConfigurationError, match="no time"):
            await verdict(signed(how), base, **identity, **flags(ignored))
        return
    result = await verdict(signed(how), base, **identity, **flags(ignored))
    assert (result.decision is Decision.ALLOW) is _counts(how, ignored)
    if result.decision is Decision.ALLOW:
        assert ignored_of(result) == ignored


def _counts(how: str, ignored: tuple[str, ...]) -> bool:
    looks_at_logs, looks_at_stamps = "tlog" not in ignored, "observerTimestamps" not in ignored
    return {
        "promise": looks_at_logs,
        "second log": looks_at_stamps,
        "stamp": not looks_at_logs and looks_at_stamps,
        "nothing": False,
        "no certificate log": "ctlog" in ignored,
    }[how]
