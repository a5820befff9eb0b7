"""Errors that have become data hold nothing of what raised them."""

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from pyratify.core.errors import InconclusiveError, RatifyError, VerificationError
from pyratify.core.executor import Executor
from pyratify.core.isolation import describe, internal, release
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore


class Silent(Exception):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no"), "ValueError: no"),
        (ValueError("x" * 1000), "ValueError: " + "x" * 300),
        (Silent(), "Silent: ?"),
    ],
)
def test_an_exception_is_described_by_its_type_and_the_beginning_of_its_text(
    error: Exception, text: str
) -> None:
    """Whatever a plugin raises can be described; a defect is an internal error with a remedy."""
    assert describe(error) == text
    found = internal(error)
    assert found.reason is Reason.INTERNAL
    assert found.message == f"unexpected {text}"
    assert found.remedy == Reason.INTERNAL.remedy


class Document:
    """Something large that a frame holds."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Keep the collector from freeing cycles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def raised(document: Document, *, cause: BaseException | None = None) -> BaseException:
    """Return an error whose frames hold a document, and the error itself."""
    kept = ValueError(document.__class__.__name__)
    try:
        raise kept from cause
    except ValueError as error:
        return error


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("how", ["alone", "cause", "context", "group", "ring"])
def test_a_released_error_holds_no_frames(how: str) -> None:
    """Nor do those that led to it, even where they refer to each other."""
    error, document = chained(how)
    assert document() is not None
    release(error)
    assert document() is None


def chained(how: str) -> tuple[BaseException, weakref.ref[Document]]:
    """Return an error, and the document that frames hold to which it leads."""
    document = Document()
    first = raised(document)
    makers: dict[str, Callable[[], BaseException]] = {
        "alone": lambda: first,
        "cause": lambda: raised(document, cause=first),
        "context": lambda: _while(first, document),
        "group": lambda: BaseExceptionGroup("several", [first]),
        "ring": lambda: _ring(first, document),
    }
    return makers[how](), weakref.ref(document)


def _while(first: BaseException, document: Document) -> BaseException:
    try:
        try:
            raise first
        except ValueError:
            raise TypeError(document.__class__.__name__)  # noqa: B904 - the context is what is tested
    except TypeError as error:
        return error


def _ring(first: BaseException, document: Document) -> BaseException:
    second = raised(document, cause=first)
    first.__cause__ = second
    return second


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("kind", [VerificationError, InconclusiveError, RuntimeError, SystemExit])
async def test_a_verifier_that_keeps_its_error_keeps_no_evidence(kind: type[BaseException]) -> None:
    """As one that examines several signatures and raises the first failure at the end."""
    seen: list[weakref.ref[object]] = []

    async def keep(evidence: Evidence) -> Details:
        document = Document()
        seen.append(weakref.ref(document))
        failures = [kind(Reason.SIGNATURE_LIMIT, "no") if issubclass(kind, RatifyError) else kind("no")]
        raise failures[0]

    store = MemoryStore()
    image = store.add_image("v1")
    store.attach(image, "application/vnd.example")
    result = await Executor(store=store, verifiers=(FakeVerifier(does=keep),)).validate(
        Reference.parse(f"registry.example/app@{image.digest}")
    )
    assert result.decision is Decision.NONE  # there is no policy
    (report,) = result.artifacts
    (found,) = report.results
    assert found.failure is not None
    assert found.failure.message.endswith("no")
    assert [each() for each in seen] == [None]
