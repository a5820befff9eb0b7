"""The plugin `cel-policy`: expressions in the Common Expression Language that all have to hold."""

import asyncio
from typing import Annotated, Any

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Registry, Resources
from pyratify.expressions.language import Language, Source
from pyratify.policies.expression_policy import ExpressionPolicy, Validation
from pyratify.policies.policy_values import LISTS, VARIABLES, unseen

_SHOWN = 200


class ValidationOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One expression.

    Attributes:
        expression: In CEL; has to be exactly true.
        message: What is said where it is not.
    """

    expression: Annotated[str, msgspec.Meta(min_length=1)]
    message: Annotated[str, msgspec.Meta(max_length=500)] = ""


class CelOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of the policy.

    Attributes:
        expression: One expression in CEL; has to be exactly true.
        message: What is said where it is not.
        validations: Several expressions in place of one; all have to be true.
        timeout: Seconds that a decision may take.
    """

    expression: str = ""
    message: Annotated[str, msgspec.Meta(max_length=500)] = ""
    validations: Annotated[tuple[ValidationOptions, ...], msgspec.Meta(max_length=64)] = ()
    timeout: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0


async def build(name: str, options: CelOptions, resources: Resources) -> ExpressionPolicy:
    """Build the policy.

    Raises:
        ConfigurationError: An expression that cannot be compiled or gives no bool, none at all, or both forms at once.
    """
    del name
    _check(options)
    given = options.validations or (
        ValidationOptions(expression=options.expression, message=options.message),
    )
    places = (
        [f"validations[{index}].expression" for index in range(len(given))]
        if options.validations
        else ["expression"]
    )
    # By its entry point, so that another implementation can take its place.
    language: Language = Registry[Any]("languages").load("cel", "expression")
    # In a thread: an expression takes some 2.5 ms to compile, several times for its variables.
    compiled = await asyncio.to_thread(_compile, language, given, places)
    # A name that is put together while it is evaluated is missing there, and denies.
    nested = any(word in each.expression for each in given for word in ("nested", "signed"))
    return ExpressionPolicy(
        compiled,
        dict(resources.verifier_types),
        nested,
        unseen(_members(compiled), with_nested=nested),
        options.timeout,
    )


def _members(compiled: tuple[Validation, ...]) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for each in compiled:
        # Not part of the interface: other languages need not know.
        members = getattr(each.program, "members", None)
        if members is None:
            return None
        found |= members
    return found


def _check(options: CelOptions) -> None:
    if not options.expression and not options.validations:
        raise ConfigurationError(
            "either expression or validations is needed",
            path="expression",
            remedy="Write one expression, or a list of validations with one each.",
        )
    if options.validations and (options.expression or options.message):
        given = "expression" if options.expression else "message"
        raise ConfigurationError(
            f"{given} stands beside validations, which have their own",
            path=given,
            remedy=f"Move it into validations, or leave {given} out.",
        )


def _compile(
    language: Language, given: tuple[ValidationOptions, ...], places: list[str]
) -> tuple[Validation, ...]:
    return tuple(
        Validation(
            language.compile(Source(each.expression, VARIABLES, place, lists=LISTS)),
            each.message or f"the expression is not true: {each.expression[:_SHOWN]}",
        )
        for each, place in zip(given, places, strict=True)
    )


plugin: Plugin[ExpressionPolicy] = Plugin(
    options=CelOptions,
    build=build,
    summary="Expressions in CEL over the subject, the artifacts and the time",
    traced=True,
)
