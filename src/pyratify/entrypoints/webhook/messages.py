"""What people read: bounded, and without anything that a terminal would obey."""

from collections.abc import Iterable

from pyratify.core.errors import Failure, RatifyError
from pyratify.entrypoints.webhook.decide import Problem
from pyratify.entrypoints.webhook.review import Answer
from pyratify.entrypoints.webhook.rules.rules_document import Mode
from pyratify.render.plain import clean
from pyratify.serving.public_errors import is_foreign

# The API server cuts a warning at 256 characters, and drops what goes beyond 4096 in all.
MAX_WARNING = 256
MAX_WARNINGS = 15
# Enough to mend an object by; the log has all of it.
_MAX_LINES = 16
_MAX_IMAGE = 300
_MAX_TEXT = 400


def answered(problems: tuple[Problem, ...]) -> Answer:
    """Return the answer that follows from what is said against the images of an object."""
    denied = [problem for problem in problems if problem.mode is Mode.DENY]
    warned = [problem for problem in problems if problem.mode is Mode.WARN]
    return Answer(
        allowed=not denied,
        message=_lines([_denial(problem) for problem in denied]),
        code=denied[0].failure.reason.value if denied else "",
        warnings=_warnings(warned),
        audit=_audit(problems, allowed=not denied),
    )


def refused(error: RatifyError) -> Answer:
    """Return the answer where an object could not even be judged."""
    said = _said(error.failure)
    return Answer(
        allowed=False, message=said, code=error.reason.value, audit={"decision": "denied", "problems": said}
    )


def _denial(problem: Problem) -> str:
    return (
        f"image {_image(problem)} of {problem.image.place} is refused by rule {problem.rule.name}: "
        f"{_said(problem.failure)}"
    )


def _warnings(problems: list[Problem]) -> tuple[str, ...]:
    lines = [_cut(_warning(problem)) for problem in problems]
    rest = len(lines) - MAX_WARNINGS
    return tuple(lines) if rest <= 0 else (*lines[:MAX_WARNINGS], f"{rest} more warnings")


def _warning(problem: Problem) -> str:
    reason = problem.failure.reason
    if problem.exemption is not None:
        until = problem.exemption.config.until.isoformat(timespec="minutes")
        why = f"{reason}, exception {problem.exemption.config.name} until {until}"
    else:
        why = f"{reason}, rule {problem.rule.name} only warns"
    # A warning is printed on the terminal of the client that sent the object.
    said = "" if is_foreign(problem.failure) else f": {clean(problem.failure.message, _MAX_TEXT)}"
    return f"image {clean(problem.image.text, 100)} of {problem.image.place}: {why}{said}"


def _audit(problems: tuple[Problem, ...], *, allowed: bool) -> dict[str, str]:
    found = {"decision": "allowed" if allowed else "denied"}
    if problems:
        found["problems"] = _lines([f"{problem.mode}: {_denial(problem)}" for problem in problems])
    excepted = sorted({each.exemption.config.name for each in problems if each.exemption is not None})
    if excepted:
        found["exceptions"] = ", ".join(excepted)
    return found


def _image(problem: Problem) -> str:
    return clean(problem.image.text, _MAX_IMAGE)


def _said(failure: Failure) -> str:
    if is_foreign(failure):
        return f"{failure.reason}: it could not be decided; the webhook's log says why. {failure.remedy}"
    message = clean(failure.message, _MAX_TEXT).rstrip(".")
    return f"{failure.reason}: {message}. {clean(failure.remedy, _MAX_TEXT)}"


def _lines(lines: Iterable[str]) -> str:
    given = list(dict.fromkeys(lines))
    rest = len(given) - _MAX_LINES
    return "\n".join(given if rest <= 0 else (*given[:_MAX_LINES], f"and {rest} more"))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WARNING else f"{text[: MAX_WARNING - 3]}..."
