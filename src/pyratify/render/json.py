"""Results as JSON, one object a line: the shape of Ratify v2 with additive fields."""

from pyratify.core.report import ValidationResult


def render(result: ValidationResult, *, color: bool = False) -> str:
    """Return the result as one line of JSON, ASCII only and without a line break at its end; never in color."""
    del color
    return result.to_json()
