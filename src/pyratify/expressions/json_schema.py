"""JSON Schema: compiled once, with nothing fetched and expressions that take linear time; the only module that knows its library."""

from typing import Any

_MAX_MESSAGE = 200
_MAX_EXPRESSION = 1024 * 1024  # bytes of one compiled expression, as 10,000 repetitions of a letter
# The schema of SARIF 2.1.0 until its errata 01 has an expression that is none of ECMA 262: a bracket that is not escaped.
_BROKEN = "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$"
_REPAIRED = r"^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}\]?$"
# The keywords of all drafts that can refuse a value; others, and misspelt ones, refuse nothing.
_RULES = frozenset(
    """
    $ref $dynamicRef $recursiveRef allOf anyOf oneOf not if type enum const format
    multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern contentEncoding contentMediaType
    items prefixItems additionalItems unevaluatedItems maxItems minItems uniqueItems contains
    properties patternProperties additionalProperties unevaluatedProperties propertyNames required maxProperties minProperties
    dependencies dependentRequired dependentSchemas
    """.split()  # noqa: SIM905 - a word a line otherwise
)


class InvalidSchema(ValueError):
    """A document that is no JSON Schema, or one that cannot be used: the text says why."""


class JsonSchema:
    """A JSON Schema of draft 4, 6, 7, 2019-09 or 2020-12, as its `$schema` says.

    Args:
        document: The schema, a JSON value that was parsed strictly.

    Raises:
        InvalidSchema: It is none, it accepts everything, or it refers to another document.
        ImportError: The library is not installed.
    """

    def __init__(self, document: Any) -> None:
        # Lazy: only configurations with a schema need it.
        import jsonschema_rs

        if not isinstance(document, dict) or not document.keys() & _RULES:
            raise InvalidSchema("it is no object, or has no rule, so it would accept everything")
        options = jsonschema_rs.RegexOptions(_MAX_EXPRESSION, _MAX_EXPRESSION)
        try:
            self._validator = jsonschema_rs.validator_for(
                _repaired(document),
                retriever=_refuse,
                pattern_options=options,
                mask="the value",
                # Drafts from 2019 on leave it to the program (2020-12 validation, 7.2.1); one that decides has to compare.
                validate_formats=True,
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            message = getattr(error, "message", "") or str(error)
            raise InvalidSchema(message.split("\n", 1)[0][:_MAX_MESSAGE]) from None

    def fault(self, value: Any) -> str | None:
        """Return why a JSON value does not follow the schema: the first fault, with its place; None where it does."""
        import jsonschema_rs

        try:
            # Not `iter_errors`: it collects every error first, a second of work for each 100,000.
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return f"{_place(error.instance_path)}: {error.message[:_MAX_MESSAGE]}"
        return None


def _refuse(uri: str) -> Any:
    # By default the library fetches http and reads files.
    raise ValueError(f"it refers to {uri[:_MAX_MESSAGE]}, and nothing is fetched")


def _repaired(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _REPAIRED if key == "pattern" and each == _BROKEN else _repaired(each)
            for key, each in value.items()
        }
    return [_repaired(each) for each in value] if isinstance(value, list) else value


def _place(path: list[str | int]) -> str:
    text = "".join(f"[{each}]" if isinstance(each, int) else f".{each[:80]}" for each in path[:40])
    return text.lstrip(".") or "the document"
