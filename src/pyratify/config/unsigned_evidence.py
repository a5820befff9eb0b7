"""Where a configuration accepts evidence that nothing signs: allowed, and worth a warning (ATK-212)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyratify.config.schema import Config, ExecutorConfig
from pyratify.core.plugin import proves_author

_THRESHOLD = "threshold-policy"
# What policies in CEL and Rego ask for: `a.signed`, or what is attached to the document.
_ASKING = ("signed", "nested")


def unsigned_evidence(config: Config) -> tuple[tuple[str, str], ...]:
    """Return the places that accept it, each with the verifier whose documents count whatever account attached them.

    Args:
        config: A configuration without a fault.
    """
    return tuple(
        (f"executors[{number}].{where}", name)
        for number, executor in enumerate(config.executors)
        for where, name in _places(executor)
    )


def _places(executor: ExecutorConfig) -> Iterator[tuple[str, str]]:
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
    text = json.dumps(parameters, default=str)
    if not any(word in text for word in _ASKING):
        yield from (("policyEnforcer", name) for name in names)


def _rules(group: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Iterate over all rules of a tree, with their paths."""
    rules = group.get("rules") if isinstance(group, Mapping) else None
    for index, rule in enumerate(rules or ()):
        where = f"{path}.rules[{index}]"
        if isinstance(rule, Mapping):
            yield where, rule
            yield from _rules(rule, where)
