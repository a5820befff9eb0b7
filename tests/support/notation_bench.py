"""What the tests of Notation share: one authority, one signer, one image, and the verdict on one envelope."""

from collections.abc import Callable
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult, failures
from pyratify.core.verifier import Details, Verifier
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import GOOD, SIGNERS, Recipe, attach_signature, make_verifier
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE
from support.notation_layouts import validate

ROOT = authority()
MIDDLE = authority("intermediate", issuer=ROOT)
LEAF = signer(MIDDLE)
REFERENCE = "example.com/app:v1"
FORMATS = (JWS_TYPE, COSE_TYPE)


async def judge(
    recipe: Recipe = GOOD,
    media_type: str = JWS_TYPE,
    *,
    leaf: Issued = LEAF,
    verifier: Verifier | None = None,
    raw: Callable[[Descriptor], bytes] | None = None,
) -> ValidationResult:
    """Sign an image as the recipe says (or take what `raw` returns for it), attach that, and validate the image."""
    store = MemoryStore()
    image = store.add_image()
    envelope = raw(image) if raw else SIGNERS[media_type](leaf, image, recipe)
    attach_signature(store, image, envelope, media_type)
    return await validate(store, REFERENCE, verifier or make_verifier(ROOT))


def found(result: ValidationResult) -> Failure:
    """Return the only failure of the only signature; the image must be denied."""
    assert result.decision is Decision.DENY
    ((_, failure),) = failures(result.artifacts)
    return failure


def details(result: ValidationResult) -> Details:
    """Return the details of the only signature; the image must be allowed."""
    assert result.decision is Decision.ALLOW, [f.message for _, f in failures(result.artifacts)]
    ((only,),) = [[r.details for r in report.results] for report in result.artifacts]
    assert only is not None
    return only


async def reason(*args: Any, **options: Any) -> Reason:
    """Return why an image is denied."""
    return found(await judge(*args, **options)).reason
