"""Questions of containerd, as the daemon reads them."""

import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.entrypoints.node.containerd.request import parse_question
from pyratify.testing.memory import MemoryStore
from support.nodes import MEDIA_TYPE, body, descriptor

SUBJECT = MemoryStore().add_image()
DIGEST = str(SUBJECT.digest)
OTHER = str(Digest.of(b"other"))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("example.com/app:v1", "example.com/app:v1"),
        ("docker.io/library/nginx:latest", "docker.io/library/nginx:latest"),
        (f"example.com/app@{DIGEST}", "example.com/app"),
        (f"example.com/app:v1@{DIGEST}", "example.com/app:v1"),
    ],
)
def test_the_repository_of_the_name_is_judged_at_the_digest(name: str, reference: str) -> None:
    """With the name's tag, which may name the index that lists the digest."""
    question = parse_question(body(SUBJECT, name))
    assert str(question.reference) == f"{reference}@{DIGEST}"
    assert question.seconds == 9


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.BAD_REQUEST),
        (b"9\nexample.com/app\n", Reason.BAD_REQUEST),
        (body(SUBJECT, f"example.com/app@{OTHER}"), Reason.DIGEST_MISMATCH),
        (body(SUBJECT, digest=OTHER), Reason.DIGEST_MISMATCH),
        (body(SUBJECT, digest=DIGEST.upper()), Reason.DIGEST_INVALID),
        (body(SUBJECT, digest="sha256:"), Reason.DIGEST_INVALID),
        (body(SUBJECT, "Example.com/App:v1"), Reason.REF_INVALID),
        (body(SUBJECT, "oci:/var/lib/images:v1"), Reason.REF_INVALID),
        (body(SUBJECT, seconds="0"), Reason.BAD_REQUEST),
        (body(SUBJECT, seconds="1e9"), Reason.BAD_REQUEST),
        (body(SUBJECT, seconds="nan"), Reason.BAD_REQUEST),
        (body(SUBJECT, "\xff").replace(b"\xc3\xbf", b"\xff"), Reason.BAD_REQUEST),
        (body(SUBJECT).replace(MEDIA_TYPE.encode(), b"application/json"), Reason.MEDIATYPE_UNSUPPORTED),
        (body(SUBJECT).replace(b"{", b"[{"), Reason.JSON_INVALID),
        (body(SUBJECT).partition(b"{")[0], Reason.JSON_INVALID),
        (body(SUBJECT).partition(b"{")[0] + b"[]", Reason.BAD_REQUEST),
        (body(SUBJECT).partition(b"{")[0] + b'{"digest":7}', Reason.BAD_REQUEST),
        (
            body(SUBJECT).partition(b"{")[0]
            + b'{"digest":"%s","digest":"%s"}' % (OTHER.encode(), DIGEST.encode()),
            Reason.JSON_DUPLICATE_KEY,
        ),
        (body(SUBJECT) + descriptor(DIGEST), Reason.JSON_INVALID),
    ],
)
def test_what_contradicts_itself_is_refused(data: bytes, reason: Reason) -> None:
    """Two digests, two descriptors, a name that is none."""
    with pytest.raises(RatifyError) as caught:
        parse_question(data)
    assert caught.value.reason is reason
