"""Rules as they are applied: checked, and with the names of namespaces compiled."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime

from pyratify.config.exemption import Exemption, covering, read_exemptions
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.webhook.pod_images import POD_SPECS, Kind
from pyratify.entrypoints.webhook.rules.rules_document import Mode, RuleConfig, RulesConfig, UnknownKinds
from pyratify.entrypoints.webhook.rules.selectors import names

# By number and not by position in the file: the order of lines must mean nothing (decision 0014).
_STRICTNESS = {Mode.AUDIT: 0, Mode.WARN: 1, Mode.DENY: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectAttributes:
    """The attributes of an object that rules match.

    Attributes:
        namespace: The name of the object's namespace.
        namespace_labels: Its labels; empty where no rule asks for them.
        kind: The object's kind.
        labels: The object's labels, and those that it had before an update; as in Kubernetes either may match.
    """

    namespace: str
    kind: Kind
    labels: tuple[Mapping[str, str], ...] = ()
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        config: What it says.
    """

    config: RuleConfig
    _inside: re.Pattern[str]
    _outside: re.Pattern[str]

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.config.name

    @property
    def mode(self) -> Mode:
        """What follows when an image must not be run."""
        return self.config.mode

    def matches(self, attributes: ObjectAttributes) -> bool:
        """Return whether it applies to an object."""
        config, kind = self.config, attributes.kind
        # Exclusions win over names: to be laxer somewhere, a namespace is taken out of the strict rule.
        if not self._inside.fullmatch(attributes.namespace) or self._outside.fullmatch(attributes.namespace):
            return False
        if config.kinds and not {kind.name, str(kind)} & set(config.kinds):
            return False
        space, selector = config.namespace_selector, config.object_selector
        if space is not None and not space.matches(attributes.namespace_labels):
            return False
        # Old and new labels: removing a label in the same update must not evade the rule.
        return selector is None or any(selector.matches(each) for each in attributes.labels)


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole document of rules.

    Attributes:
        config: What it says.
        pod_specs: Where the specification of a Pod is, by kind.
    """

    config: RulesConfig
    pod_specs: Mapping[Kind, tuple[str, ...]]
    _rules: tuple[Rule, ...]
    _exemptions: tuple[Exemption, ...]

    @classmethod
    def read(cls, config: RulesConfig, now: datetime) -> "Rules":
        """Return the rules that a document describes.

        Args:
            config: What it says.
            now: The time of reading.

        Raises:
            ConfigurationError: A name twice, an unknown kind, one that is defined twice, or an exception that is too broad.
        """
        _check_names("rules", (rule.name for rule in config.rules))
        pod_specs = _pod_specs(config)
        rules = tuple(_rule(rule, f"rules[{index}]", pod_specs) for index, rule in enumerate(config.rules))
        return cls(config, pod_specs, rules, read_exemptions(config.exceptions, "exceptions", now))

    @property
    def admits_unknown_kinds(self) -> bool:
        """Whether an object of an unknown kind is admitted."""
        return self.config.unknown_kinds is UnknownKinds.ALLOW

    @property
    def selects_namespaces(self) -> bool:
        """Whether labels of namespaces have to be known."""
        return any(rule.config.namespace_selector is not None for rule in self._rules)

    def matching(self, attributes: ObjectAttributes) -> tuple[Rule, ...]:
        """Return the rules for an object, the strictest first.

        Labels of objects only add to other rules: one that does not deny never stands alone because of them.
        """
        found = [rule for rule in self._rules if rule.matches(attributes)]
        # Else an author's label would turn "no rule: denied" into "only a warning".
        if not any(rule.mode is Mode.DENY or rule.config.object_selector is None for rule in found):
            return ()
        return tuple(sorted(found, key=lambda rule: -_STRICTNESS[rule.mode]))

    def exemption(
        self, namespace: str, reference: Reference, codes: tuple[Reason, ...], now: datetime
    ) -> Exemption | None:
        """Return one exception that covers all of it by itself, or None; arguments as in `Exemption.covers`."""
        return covering(self._exemptions, namespace, reference, codes, now)

    def expired(self, now: datetime) -> tuple[str, ...]:
        """Return the names of the exceptions whose time is over."""
        return tuple(each.config.name for each in self._exemptions if now >= each.config.until)


def _rule(config: RuleConfig, path: str, known: Iterable[Kind]) -> Rule:
    kinds = {text for kind in known for text in (kind.name, str(kind))}
    for index, name in enumerate(config.kinds):
        # A misspelled kind would make a rule that never matches.
        if name not in kinds:
            raise ConfigurationError(
                f"there is no kind {name!a} with a Pod in it",
                path=f"{path}.kinds[{index}]",
                remedy=f"Known kinds are {', '.join(sorted(kinds))}; podTemplates adds others.",
            )
    _check_selector(config, path)
    return Rule(
        config,
        names(config.namespaces, f"{path}.namespaces"),
        names(config.exclude_namespaces, f"{path}.excludeNamespaces"),
    )


def _check_selector(config: RuleConfig, path: str) -> None:
    """Reject selectors that an object's author could evade by its labels."""
    selector = config.object_selector
    for index, each in enumerate(selector.match_expressions if selector else ()):
        # Both match until the author adds a label, which would then remove the rule.
        if each.operator in ("NotIn", "DoesNotExist"):
            raise ConfigurationError(
                f"a label of an object must not take a rule away, as it would with {each.operator}",
                path=f"{path}.objectSelector.matchExpressions[{index}]",
                remedy="Use matchLabels, In or Exists; or select namespaces.",
            )


def _pod_specs(config: RulesConfig) -> Mapping[Kind, tuple[str, ...]]:
    found = dict(POD_SPECS)
    for index, each in enumerate(config.pod_templates):
        kind = Kind(each.group, each.kind)
        # A second path for a Pod would hide the images at the first one.
        if kind in found:
            raise ConfigurationError(
                f"where {kind} keeps its Pod is known already", path=f"podTemplates[{index}]"
            )
        found[kind] = tuple(each.path.split("/")[1:])
    return found


def _check_names(path: str, given: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(given):
        # Messages and the audit log name rules and exceptions, so a name must mean one.
        if name in seen:
            raise ConfigurationError(f"the name {name!a} is given twice", path=f"{path}[{index}].name")
        seen.add(name)
