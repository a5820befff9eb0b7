"""NRI: whether containers of images that are on the node already are judged, and whether a missing plugin stops them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.check.check_containerd import configurations
from pyratify.entrypoints.node.check.finding import Finding, gap, limit
from pyratify.entrypoints.node.check.host import Host
from pyratify.entrypoints.node.containerd.containerd_settings import parse_toml, read_settings

PLUGIN = "ratify"
NRI = "io.containerd.nri.v1.nri"
SOCKET = "/run/nri/nri.sock"
_CRIO = ("/etc/crio/crio.conf", "/etc/crio/crio.conf.d/*.conf")
_REMEDY = "ratify node install nri --write"


def check_nri(host: Host, named: str = "") -> Iterator[Finding]:
    """Iterate over what is wrong with NRI in containerd and CRI-O.

    Args:
        host: The node.
        named: containerd's configuration; those of the usual places when omitted.
    """
    for path in configurations(host, named):
        try:
            settings = read_settings(host.at(path), host.root)
        except ConfigurationError:
            continue  # said by the check of containerd
        found = settings.plugins.get(NRI)
        table = found if isinstance(found, dict) else {}
        # Without connections containerd takes no plugin that is a process of its own.
        disabled = NRI in settings.disabled or any(
            table.get(key) is True for key in ("disable", "disable_connections")
        )
        yield from _validator(path, table, disabled=disabled)
    yield from _crio(host)
    if host.at(SOCKET).exists() and (why := host.is_open(SOCKET)):
        yield gap(
            SOCKET,
            f"other users may add NRI plugins, which change containers: {why}",
            f"chown root: {SOCKET}; chmod 0600 {SOCKET}",
        )


def crio_files(host: Host) -> list[Path]:
    """Return CRI-O's configuration files, in the order in which later ones count."""
    return [found for text in _CRIO for found in sorted(host.root.glob(text.lstrip("/")))]


def _validator(path: str, table: Mapping[str, Any], *, disabled: bool) -> Iterator[Finding]:
    validator = table.get("default_validator")
    validator = validator if isinstance(validator, dict) else {}
    required = validator.get("required_plugins", [])
    # containerd reads required_plugins only where the validator is enabled.
    if disabled or PLUGIN not in required or not validator.get("enable", False):
        why = "NRI is switched off" if disabled else f"required_plugins does not have {PLUGIN}"
        yield limit(path, f"containers of images that are on the node already start unjudged: {why}", _REMEDY)
        return
    if annotation := validator.get("tolerate_missing_plugins_annotation"):
        yield gap(
            path,
            f"a Pod with the annotation {annotation} starts without the required plugins",
            "Take tolerate_missing_plugins_annotation out.",
        )


def _crio(host: Host) -> Iterator[Finding]:
    files = crio_files(host)
    if not files:
        return
    nri: dict[str, Any] = {}
    validator: dict[str, Any] = {}
    for path in files:
        try:
            found = _table(_table(parse_toml(path), "crio"), "nri")
        except ConfigurationError as error:
            yield gap(host.shown(path), error.message, error.remedy)
            return
        # As CRI-O reads them: setting by setting, those of later files instead of earlier ones.
        nri.update(found)
        validator.update(_table(found, "default_validator"))
    # CRI-O knows no image verifiers: without NRI nothing there asks us.
    yield from _crio_validator(host.shown(files[0]), nri, validator)


def _crio_validator(path: str, nri: Mapping[str, Any], validator: Mapping[str, Any]) -> Iterator[Finding]:
    required = validator.get("nri_validator_required_plugins") or []
    # The defaults of crio.conf(5): NRI is on, its validator off.
    enabled = nri.get("enable_nri", True) and validator.get("nri_enable_default_validator", False)
    if not enabled or PLUGIN not in required:
        yield gap(
            path,
            f"CRI-O asks no verifier, and its NRI does not require {PLUGIN}: it runs any image",
            f"{_REMEDY} --crio /etc/crio/crio.conf.d",
        )
    elif annotation := validator.get("nri_validator_tolerate_missing_plugins_annotation"):
        yield gap(
            path,
            f"a Pod with the annotation {annotation} starts without the required plugins",
            "Take nri_validator_tolerate_missing_plugins_annotation out.",
        )


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
