"""Which objects a rule is for: by the name of their namespace, by their kind and by their labels."""

import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

from pyratify.core.errors import ConfigurationError

# No dot and no newline: a star stays inside the name of one namespace.
_STAR = "[a-z0-9-]*"
NamespacePattern = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9*-]+(?!\n)$")]
Operator = Annotated[str, Meta(pattern=r"^(?:In|NotIn|Exists|DoesNotExist)(?!\n)$")]
# A prefix of 253, a slash and a name of 63 characters, as Kubernetes allows.
Label = Annotated[str, Meta(min_length=1, max_length=317)]
Value = Annotated[str, Meta(max_length=63)]


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One line of `matchExpressions`.

    Attributes:
        key: The label's name.
        operator: `In`, `NotIn`, `Exists` or `DoesNotExist`.
        values: For the first two.
    """

    key: Label
    operator: Operator
    values: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could only be a mistake.

        Raises:
            ValueError: `In` or `NotIn` without values, or another operator with some.
        """
        # `In` without values matches nothing, and `Exists` with some ignores them, both silently.
        if bool(self.values) != (self.operator in ("In", "NotIn")):
            raise ValueError(f"the operator {self.operator} with {len(self.values)} values")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil it; as in Kubernetes an absent label is `NotIn` everything."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


class LabelSelector(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A selector of labels as Kubernetes has them; everything in it has to be fulfilled.

    Attributes:
        match_labels: Labels with their values.
        match_expressions: Requirements.
    """

    match_labels: dict[Label, Value] = field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil it."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )


def names(patterns: tuple[str, ...], path: str) -> re.Pattern[str]:
    """Return what matches the names that patterns describe, where a star is any part of a name.

    Args:
        patterns: The patterns; none match nothing.
        path: Where in the document they are.

    Raises:
        ConfigurationError: A pattern with stars side by side, which would be slow and say no more.
    """
    for pattern in patterns:
        # The stars are the exponent of the time that backtracking takes (ReDoS).
        if "**" in pattern or pattern.count("*") > 3:
            raise ConfigurationError(f"{pattern!a} has too many stars", path=path)
    alternatives = "|".join(re.escape(pattern).replace(r"\*", _STAR) for pattern in patterns)
    # `(?!)` matches nothing; an empty alternative would match the empty name.
    return re.compile(f"(?:{alternatives})" if patterns else r"(?!)", re.ASCII)
