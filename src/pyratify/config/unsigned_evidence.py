"""Where a configuration accepts evidence that nothing signs: allowed, and worth a warning (ATK-212)."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from pyratify.config.schema import Config, ExecutorConfig
from pyratify.core.files import read_file
from pyratify.core.plugin import proves_author
from pyratify.expressions.language import MAX_TEXT

_THRESHOLD = "threshold-policy"
_ANY_ALL = ("any-all", "config-policy")
# What policies in CEL and Rego ask for: `a.signed`, or what is attached to the document. As a member: the word may also stand
# in the name of a verifier, or for its opposite.
_MEMBER = r"(?:signed|nested|nestedReports)"
_ASKING = re.compile(
    rf"""\.\s*\??{_MEMBER}\b|[\w\])]\[\s*\??["'`]{_MEMBER}["'`]\s*\]|["']{_MEMBER}["']\s*:|object\.get\([^()]*["']{_MEMBER}["']"""
)
_REGO = "rego-policy"


def unsigned_evidence(config: Config, base: Path) -> tuple[tuple[str, str], ...]:
    """Return the places that accept it, each with the verifier whose documents count whatever account attached them.

    Args:
        config: A configuration without a fault.
        base: The folder of its relative paths.
    """
    return tuple(
        (f"executors[{number}].{where}", name)
        for number, executor in enumerate(config.executors)
        for where, name in _places(executor, base)
    )


def _places(executor: ExecutorConfig, base: Path) -> Iterator[tuple[str, str]]:
    policy = executor.policy_enforcer
    names = [each.name for each in executor.verifiers if not proves_author(each.type)]
    if policy is None or not names:
        return
    parameters = policy.parameters
    if policy.type == _THRESHOLD:
        rules = _rules(parameters.get("policy"), "policyEnforcer.parameters.policy")
        yield from (
            (path, rule["verifierName"])
            for path, rule in rules
            if rule.get("verifierName") in names and rule.get("requireSigned") is False
        )
        return
    nested = parameters.get("nestedReferences") if policy.type in _ANY_ALL else None
    if isinstance(nested, Mapping):
        # An empty list stands for all types, documents that nothing signs among them.
        names = [name for name in names if not nested.get(name)]
    texts = chain(_texts(parameters), _file(parameters, base) if policy.type == _REGO else ())
    if not any(map(_ASKING.search, texts)):
        yield from (("policyEnforcer", name) for name in names)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)


def _file(parameters: Mapping[str, Any], base: Path) -> Iterator[str]:
    """Iterate over the text of the policy's file, where it has one."""
    if path := parameters.get("policyPath"):
        yield read_file(base / path, MAX_TEXT).decode()


def _rules(group: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Iterate over all rules of a tree, with their paths."""
    rules = group.get("rules") if isinstance(group, Mapping) else None
    for index, rule in enumerate(rules or ()):
        where = f"{path}.rules[{index}]"
        if isinstance(rule, Mapping):
            yield where, rule
            yield from _rules(rule, where)
