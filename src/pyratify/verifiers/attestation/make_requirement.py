"""Makes a requirement of the options of its rules; imports no rule that is not written."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyratify.core.errors import ConfigurationError
from pyratify.sigstore.predicate_types import SHORT_NAMES
from pyratify.verifiers.attestation.requirement import Requirement
from pyratify.verifiers.attestation.rules import RULES, types_of

if TYPE_CHECKING:
    from pyratify.core.plugin import Resources


async def make_requirement(
    written: Mapping[str, Any],
    types: tuple[str, ...],
    path: str,
    resources: "Resources",
    *,
    any_content: bool = False,
    name: str = "",
) -> Requirement:
    """Return what the rules require.

    Args:
        written: The options of the rules, by the names of the rules.
        types: The types of statements; those that the rules understand when empty.
        path: Where the rules stand, below the verifier's parameters.
        resources: For rules that read files or compile expressions.
        any_content: Whether what a statement says is not read.
        name: What the requirement is called; the names of its rules when empty.

    Raises:
        ConfigurationError: No rule, rules beside `any_content`, no type, or a type that a rule does not understand.
    """
    names = tuple(written)
    _check_content(names, path, any_content=any_content)
    understood = types_of(names, path)
    expected = types or understood
    _check_types(expected, understood, names, path)
    judges = {
        rule: await RULES[rule].build(value, f"{path}.{rule}" if path else rule, resources)
        for rule, value in written.items()
    }
    return Requirement(expected, judges, name or " and ".join(names) or expected[0])


def _check_content(names: tuple[str, ...], path: str, *, any_content: bool) -> None:
    if names and any_content:
        raise ConfigurationError(
            f"anyContent says that the statement is not read, and {names[0]} judges it", path=path
        )
    # Signed but unread is no evidence of what the statement is about.
    if not names and not any_content:
        raise ConfigurationError(
            "no rule says what the statement must say, so any signed statement would do",
            path=path,
            remedy=f"Write one of {', '.join(RULES)}; or anyContent: true, if a signature over the type alone is enough.",
        )


def _check_types(
    types: tuple[str, ...], understood: tuple[str, ...], names: tuple[str, ...], path: str
) -> None:
    where = f"{path}.predicateTypes" if path else "predicateTypes"
    if not types:
        raise ConfigurationError(
            "names no type of statement",
            path=where,
            remedy="Name the types exactly, as https://slsa.dev/provenance/v1.",
        )
    for each in types:
        _check_type(each, where)
        # It would be refused in every statement, so nothing could ever satisfy the requirement.
        if understood and each not in understood:
            raise ConfigurationError(
                f"{each[:120]!r} is not understood by {' and '.join(names)}, which reads {', '.join(understood)}",
                path=where,
                remedy="Write what is required of it as an entry of `requirements` of its own.",
            )


def _check_type(text: str, where: str) -> None:
    if text in SHORT_NAMES:
        raise ConfigurationError(
            f"{text!r} is a name that commands have for a type, and statements have the type itself",
            path=where,
            remedy=f"Write {SHORT_NAMES[text]}.",
        )
    # No statement has such a type, so nothing would ever count.
    if not text.isprintable() or not text or {" ", "*"} & set(text):
        raise ConfigurationError(
            f"{text[:120]!r} is no type: types are compared exactly",
            path=where,
            remedy="Write each one in full, as https://slsa.dev/provenance/v1.",
        )
