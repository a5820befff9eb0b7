"""Faults of expressions in CEL that are found when the configuration is read."""

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.language import Answer, EvaluationError, Kind, Source

pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

from pyratify.expressions.cel.cel_language import language

VARIABLES = {"subject.tag": Kind.TEXT, "subject.image": Kind.ANY, "artifacts": Kind.LIST, "now": Kind.TIME}


def evaluate(text: str, **artifact: object) -> Answer:
    """Compile an expression and evaluate it over one artifact."""
    program = language.compile(Source(text, VARIABLES, "validations[0].expression"))
    return program.evaluate({"subject.tag": "team/v1", "artifacts": [artifact]})


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ('now - duration("30d") < now', '"30d" is no duration', "720h"),
        ("now - duration( '1 h' ) < now", "'1 h' is no duration", "720h"),
        ('now < timestamp("2026-01-31")', '"2026-01-31" is no time', "2026-01-31T00:00:00Z"),
        ('subject.tag.matches("v(")', '"v(" is no regular expression', "RE2"),
        ("subject.tag . matches(r'(?=v)')", "r'(?=v)' is no regular expression", "RE2"),
        ('"//" == "" || duration("1y") > duration("1s")', '"1y" is no duration', "720h"),
        ("has(subject.tag)", "has(subject.tag)", "Compare subject.tag"),
        ("(" * 100 + "true" + ")" * 100, "recursion limit", "fewer levels"),
        ("has( .subject.image ) && true", "has(subject.image)", "Compare subject.image"),
    ],
)
def test_what_could_never_be_evaluated_is_refused(text: str, message: str, remedy: str) -> None:
    """It would deny every image, and be seen with the first of them."""
    with pytest.raises(ConfigurationError) as error:
        evaluate(text)
    assert error.value.path == "validations[0].expression"
    assert message in str(error.value)
    assert remedy in error.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        'duration("1h30m") < duration("720h") && timestamp("2026-01-31T00:00:00+01:00") > timestamp(0)',
        r'subject.tag.matches("^team/v\\d+$") && subject.tag.matches(r"^team/v\d+$")',
        """subject.tag != "duration('30d')" // has(subject.tag) and duration('1d')""",
        """subject.tag != 'has(subject.tag) "' && subject.tag != "'" """,
        "has(artifacts[0].tag)",
    ],
)
def test_what_can_is_not(text: str) -> None:
    """Neither texts nor comments are calls, and fields of data may be missing."""
    assert evaluate(text, tag=1).holds


@pytest.mark.parametrize(
    "text",
    [
        'artifacts[0].?level.orValue("low") == "low" && !artifacts[?1].hasValue()',
        'artifacts[0].?data.?level.orValue("low") == "low"',
        'subject.tag.split("/")[0] == "team" && subject.tag.lowerAscii().replace("v", "w") == "team/w1"',
        "cel.bind(found, artifacts.filter(a, has(a.n)), found.size() == 1 && math.greatest(found[0].n, 2) == 7)",
    ],
)
def test_there_are_functions_of_texts_and_optional_fields(text: str) -> None:
    """As where expressions are written for Kubernetes."""
    assert evaluate(text, n=7).holds


def test_an_integer_that_is_too_large_is_named_alone() -> None:
    """What stands around it, the whole of the evidence, says nothing more."""
    with pytest.raises(EvaluationError, match=r"'36893488147419103232' out of range$"):
        evaluate("artifacts[0].n > 1", n=2**65)
