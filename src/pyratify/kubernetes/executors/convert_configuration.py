"""Convert a configuration file to the resources of a cluster and back, without loss.

What the other form cannot express is refused with its path. `${NAME}` and `file:` of a file have no meaning in a resource; names,
labels and status of a resource have none in a file.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyratify.config.decode import decode
from pyratify.config.locations import within
from pyratify.config.schema import Config, ExecutorConfig, default_stores
from pyratify.config.scopes import check_scopes
from pyratify.config.substitute import substitute
from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.client.kinds import API_VERSION, EXECUTOR, KINDS, NAMESPACED_EXECUTOR, Kind
from pyratify.kubernetes.executors.build_executor import SPEC, read_spec
from pyratify.kubernetes.executors.no_substitution import check_literal
from pyratify.kubernetes.executors.tenant import NOWHERE

NAME = "ratify"
_OURS = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)  # RFC 1123, 2.1
_PROGRAM = "it configures the whole program, and resources do not have it"


def is_resource(document: Any) -> bool:
    """Return whether a document is a resource or a list of them, and not a configuration file."""
    return isinstance(document, dict) and "apiVersion" in document and "kind" in document


def to_resources(document: Any, name: str = NAME, namespace: str = "") -> tuple[dict[str, Any], ...]:
    """Return the resources that mean what a configuration file means.

    Args:
        document: The file's JSON values, nothing put into them yet.
        name: The name of the only resource; of several, each gets a number.
        namespace: The namespace whose resources they are to be; the cluster's when empty.

    Raises:
        ConfigurationError: With the path of what is wrong, or what resources cannot express.
    """
    for each in (name, namespace):
        if each and not _LABEL.fullmatch(each):
            raise ConfigurationError(
                f"{each[:80]!a} is not a valid name of a resource or namespace",
                remedy="Use small letters, digits and hyphens, at most 63, a letter or digit at both ends.",
            )
    _check_program(document)
    check_literal(_without_escapes(document), "")
    plain = substitute(document, NOWHERE, {})  # nothing is left to substitute: it turns `$${` into `${`
    config = decode(Config, plain)
    check_scopes(config)
    kind = NAMESPACED_EXECUTOR if namespace else EXECUTOR
    found = []
    for number, given in enumerate(plain["executors"]):
        # The definitions require `stores`, which a file may omit.
        spec = {"stores": default_stores(), **{key: item for key, item in given.items() if item is not None}}
        _checked(spec, kind, f"executors[{number}]")
        own = name if len(plain["executors"]) == 1 else f"{name}-{number + 1}"
        metadata = {"name": own, "namespace": namespace} if namespace else {"name": own}
        found.append({"apiVersion": API_VERSION, "kind": kind.name, "metadata": metadata, "spec": spec})
    return tuple(found)


def to_file(documents: Sequence[Any]) -> dict[str, Any]:
    """Return the configuration file that means what resources mean, in their order.

    Args:
        documents: Resources, or lists of them as `kubectl get -o yaml` prints them.

    Raises:
        ConfigurationError: With the path of what is wrong, or what a file cannot express.
    """
    resources = [each for document in documents for each in _members(document)]
    owners = {_owner(each) for each in resources}
    if not resources:
        raise ConfigurationError(
            "there is no resource in it",
            remedy="Check the command that printed it: an empty list makes no configuration.",
        )
    if len(owners) > 1:
        raise ConfigurationError(
            f"a file is for one namespace or the cluster, and these are for {', '.join(sorted(owners))}",
            remedy="Convert them one by one.",
        )
    executors = []
    for each in resources:
        kind, where = _kind(each), f"{each['kind']} {each.get('metadata', {}).get('name', '')}"
        try:
            _checked(each.get("spec"), kind, SPEC)
        except ConfigurationError as error:
            raise within(where, error) from None
        # Literal in a resource; in a file it would be substituted.
        executors.append(_strings(each["spec"], lambda text: text.replace("${", "$${")))
    document = {"executors": executors}
    check_scopes(decode(Config, document))
    return document


def _checked(spec: Any, kind: Kind, path: str) -> ExecutorConfig:
    try:
        return read_spec(spec, tenant=kind.namespaced)
    except ConfigurationError as error:
        where = path + error.path.removeprefix(SPEC)
        raise ConfigurationError(error.detail, path=where, reason=error.reason, remedy=error.remedy) from None


def _check_program(document: Any) -> None:
    if not isinstance(document, dict):
        return
    # One cache serves the executors of all resources, and a node reads a file.
    for name in ("cache", "node"):
        if document.get(name) not in (None, {}):
            raise ConfigurationError(_PROGRAM, path=name, remedy="Remove it.")
    if document.get("$schema"):
        raise ConfigurationError(
            "it is for editors, and resources do not have it", path="$schema", remedy="Remove it."
        )


def _members(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        return [{**_inherited(document), **each} for each in document["items"] if isinstance(each, dict)]
    if not is_resource(document):
        raise ConfigurationError(
            "it is not a resource: apiVersion and kind are missing",
            remedy="Give Executors, or a configuration file.",
        )
    unknown = sorted(set(document) - _OURS)
    if unknown:
        raise ConfigurationError(
            f"unknown key {unknown[0][:80]!r}",
            path=str(document["kind"])[:80],
            remedy="Remove it, or write it below spec.",
        )
    return [document]


def _inherited(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return version and kind of a list's members: items of a typed list have none of their own."""
    kind = str(document.get("kind", "")).removesuffix("List")
    return {"apiVersion": document.get("apiVersion"), "kind": kind} if kind else {}


def _kind(resource: Mapping[str, Any]) -> Kind:
    for kind in KINDS:
        if (resource.get("apiVersion"), resource.get("kind")) == (API_VERSION, kind.name):
            return kind
    named = f"{resource.get('apiVersion')} {resource.get('kind')}"
    raise ConfigurationError(
        f"{named[:120]!a} is no Executor of {API_VERSION}",
        remedy="Give Executors or NamespacedExecutors alone, as `kubectl get executors -o yaml` prints them.",
    )


def _owner(resource: Mapping[str, Any]) -> str:
    kind, metadata = _kind(resource), resource.get("metadata")
    namespace = metadata.get("namespace", "") if isinstance(metadata, dict) else ""
    return f"the namespace {namespace}" if kind.namespaced else "the cluster"


def _without_escapes(value: Any) -> Any:
    """Return a copy without escaped `$${`, so that only real substitutions are left to find."""
    return _strings(value, lambda text: text.replace("$${", " "))


def _strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _strings(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_strings(item, change) for item in value]
    return value
