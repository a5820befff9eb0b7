"""What every renderer has to do.

An author inherits the contract in a test module and gives it a fixture `render`, as in `pyratify.testing.contracts`.
"""

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.render.load_renderer import Renderer
from pyratify.testing.checks import must

_SUBJECT = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"image"), 5)
_REFERENCE = Reference.parse("example.com/team/app:v1")
# Clears a screen, sets a title, turns text around, hides, overwrites a line; and a lone surrogate.
_HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202e\u200b\r\x00ALLOWED\udc80"


def make_result(decision: Decision, text: str = "not good", *, undecided: bool = False) -> ValidationResult:
    """Return a result with evidence that passed and that failed.

    Args:
        decision: The decision.
        text: Every free text in it.
        undecided: Whether it is an error.
    """
    failure = Failure(Reason.SIG_INVALID, text, text)
    # The data of details refuses a lone surrogate (core/details.py), so that one is replaced here.
    details = Details(text, (text,), {"said": text.encode(errors="replace").decode()}, (failure,))
    report = ArtifactReport(
        _REFERENCE.at(_SUBJECT.digest),
        Descriptor("application/json", _SUBJECT.digest, 1, "application/example"),
        Discovery.REFERRERS_API,
        (
            VerifierResult("good", Outcome.PASSED, details),
            VerifierResult("bad", Outcome.FAILED, failure=failure),
        ),
    )
    return ValidationResult(
        _REFERENCE,
        _SUBJECT,
        decision,
        failure if decision is Decision.DENY and not undecided else None,
        failure if undecided else None,
        (report,),
    )


class RendererContract:
    """The contract of renderers; needs a fixture `render` that gives the renderer."""

    def test_every_result_becomes_a_text_of_its_own(self, render: Renderer) -> None:
        """Allowed, denied, undecided and reported are told apart."""
        results = (
            make_result(Decision.ALLOW),
            make_result(Decision.DENY),
            make_result(Decision.DENY, undecided=True),
            make_result(Decision.NONE),
        )
        texts = [render(result, color=False) for result in results]
        must(all(isinstance(text, str) and text for text in texts), "a renderer returns a text")
        # A text shared by two decisions would let a denial be read as a success.
        must(len(set(texts)) == len(texts), "different decisions look different")
        must(texts == [render(result, color=False) for result in results], "a renderer is a pure function")

    def test_what_could_not_be_resolved_is_shown(self, render: Renderer) -> None:
        """No subject and no artifacts; also in color."""
        failure = Failure(Reason.NOT_FOUND, "no such tag", "Correct the tag.")
        result = ValidationResult(_REFERENCE, None, Decision.DENY, error=failure)
        for color in (False, True):
            must(bool(render(result, color=color)), "a renderer shows what could not be resolved")

    def test_hostile_text_moves_no_cursor(self, render: Renderer) -> None:
        """Neither escape sequences nor marks that change the order of text; only breaks of lines and tabs."""
        text = render(make_result(Decision.DENY, _HOSTILE), color=False)
        # The category that terminals act on: controls, format marks and surrogates are not printable.
        bad = {char for char in text if not char.isprintable() and char not in "\n\t"}
        must(not bad, f"a renderer escapes what a terminal would obey, and not {sorted(map(repr, bad))}")
