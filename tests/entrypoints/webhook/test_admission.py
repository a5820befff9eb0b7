"""The webhook's answers to reviews of objects."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from manifests.objects import object_of, pod_spec
from pyratify.core.digest import Digest
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.webhook.decide import Case, problems
from pyratify.entrypoints.webhook.patch import pinned as pinned_text
from pyratify.entrypoints.webhook.patch import pointer
from pyratify.entrypoints.webhook.pod_images import Image, Kind
from pyratify.entrypoints.webhook.rules.match import ObjectAttributes
from pyratify.entrypoints.webhook.rules.rules_document import Mode
from pyratify.serving.deadline_group import evaluation_seconds
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import BellClock, Held, Here
from support.webhooks import (
    APP,
    BARE,
    MUTATE,
    asked,
    message,
    patched,
    pod,
    posted,
    review,
    rules,
    store,
    webhook,
)

LOOSE = "rules: [{name: loose, requireDigest: false}]"
EXCEPTION = """
rules: [{name: strict, requireDigest: RD}]
exceptions:
  - {name: legacy, namespaces: [team], images: [example.com/app], until: "2026-06-02T00:00:00Z",
     reason: until it is signed, approvedBy: sec, codes: CODES}
"""


def excepted(codes: str = "[]", digest: str = "false") -> str:
    """Return rules with an exception."""
    return EXCEPTION.replace("CODES", codes).replace("RD", digest)


def pinned(one: MemoryStore, tag: str = "v1") -> str:
    """Return the reference of a tag's image by digest."""
    return f"example.com/app@{one.tags[tag]}"


async def test_a_pod_with_evidence_for_all_its_images_is_admitted() -> None:
    """By digest, under the default rule; the answer says nothing more than that."""
    one = store()
    response = await asked(webhook(one), pod(pinned(one), initContainers=(pinned(one),)))
    assert response == {"uid": response["uid"], "allowed": True, "auditAnnotations": {"decision": "allowed"}}


async def test_a_denial_names_the_image_the_container_the_rule_and_the_reason() -> None:
    """With what to do; good images are not mentioned."""
    text = await message(webhook(store(), text=LOOSE), pod(APP, BARE))
    assert text.startswith(
        "image example.com/app:bare of container c1 is refused by rule loose: NO_EVIDENCE: "
    )
    assert text.endswith(
        "Sign the image, or check that its signatures were pushed or copied to this registry with it."
    )
    assert "example.com/app:v1" not in text


async def test_every_image_that_is_refused_has_its_line() -> None:
    """In the order of the object; what is said twice is said once."""
    document = pod(BARE, initContainers=("NOT VALID",), volumes=("example.com/app:gone",))
    lines = (await message(webhook(store(), text=LOOSE), document)).splitlines()
    assert [line.partition(" of ")[2].partition(" is ")[0] for line in lines] == [
        "container c0", "init container c0", "image volume v0",
    ]  # fmt: skip
    assert [line.split(": ")[1] for line in lines] == ["NO_EVIDENCE", "REF_INVALID", "NOT_FOUND"]


@pytest.mark.parametrize(("operation", "allowed"), [("DELETE", True), ("CONNECT", True), ("UPDATE", False)])
async def test_what_brings_no_images_is_admitted_without_work(operation: str, allowed: bool) -> None:
    """The engine is not asked; an update without the old object is judged whole."""
    one = store()
    response = await asked(webhook(one), pod(BARE), operation=operation)
    assert (response["allowed"], one.calls == []) == (allowed, allowed)


async def test_deleting_an_object_needs_no_object() -> None:
    """The API server sends none."""
    assert (await asked(webhook(store()), None, operation="DELETE", object=None))["allowed"] is True


async def test_an_update_is_judged_by_the_images_that_it_changes() -> None:
    """What was admitted stays changeable; a new image, or the same one elsewhere, is judged."""
    one = webhook(store(), text=LOOSE)
    before = object_of("Deployment", pod_spec(containers=(BARE,)))
    scaled = {**before, "spec": {**before["spec"], "replicas": 5}}
    assert (await asked(one, scaled, operation="UPDATE", oldObject=before))["allowed"] is True
    added = object_of("Deployment", pod_spec(containers=(BARE, APP)))
    assert (await asked(one, added, operation="UPDATE", oldObject=before))["allowed"] is True
    moved = object_of("Deployment", pod_spec(containers=(APP,), initContainers=(BARE,)))
    assert "init container c0" in await message(one, moved, operation="UPDATE", oldObject=before)


async def test_an_update_can_be_judged_by_all_its_images() -> None:
    """When the rules say so."""
    one = webhook(store(), text=f"verifyUnchanged: true\n{LOOSE}")
    assert "NO_EVIDENCE" in await message(one, pod(BARE), operation="UPDATE", oldObject=pod(BARE))


@pytest.mark.parametrize("old", [{}, {"spec": {}}, {"spec": {"containers": 7}}, 7, [], None])
async def test_what_was_before_counts_only_where_it_can_be_read(old: Any) -> None:
    """Otherwise every image is new."""
    one = webhook(store(), text=LOOSE)
    assert "NO_EVIDENCE" in await message(one, pod(BARE), operation="UPDATE", oldObject=old)


async def test_an_object_that_is_created_cannot_say_what_was_before() -> None:
    """`oldObject` counts for updates alone."""
    assert "NO_EVIDENCE" in await message(webhook(store(), text=LOOSE), pod(BARE), oldObject=pod(BARE))


async def test_an_ephemeral_container_is_judged() -> None:
    """The subresource sends the whole Pod; what ran already is left alone."""
    document = pod(BARE, ephemeralContainers=(BARE,))
    changes = {"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": pod(BARE)}
    text = await message(webhook(store(), text=LOOSE), document, **changes)
    assert text.splitlines()[0].startswith(f"image {BARE} of ephemeral container c0")
    assert len(text.splitlines()) == 1


async def test_an_unknown_kind_is_refused_until_a_rule_says_where_its_pod_is() -> None:
    """Or that it does not matter."""
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "spec": {"template": {"spec": pod_spec(containers=(BARE,))}},
    }
    text = await message(webhook(store()), rollout)
    assert text.startswith("KIND_UNKNOWN: where Rollout ('argoproj.io') has its images is not known.")
    allowed = webhook(store(), text="unknownKinds: allow")
    assert (await asked(allowed, rollout))["allowed"] is True
    known = webhook(store(), text=f"podTemplates: [{{group: argoproj.io, kind: Rollout}}]\n{LOOSE}")
    assert "NO_EVIDENCE" in await message(known, rollout)


async def test_where_no_rule_is_nothing_is_admitted() -> None:
    """A namespace that is not mentioned is not free."""
    one = webhook(store(), text="rules: [{name: a, namespaces: [prod]}]")
    assert (await message(one, pod())).startswith(
        "POLICY_NOT_FOUND: no rule is for Pod in the namespace team."
    )


async def test_too_many_images_are_refused() -> None:
    """Before any of them is looked at; the same image counts once."""
    one = store()
    assert "PARSE_LIMIT" in await message(webhook(one), pod(*(f"example.com/a{n}" for n in range(65))))
    assert one.calls == []
    assert (await asked(webhook(one, text=LOOSE), pod(*[APP] * 65)))["allowed"] is True
    assert [method for method, _ in one.calls].count("referrers") == 1


async def test_a_rule_that_warns_admits_with_a_warning() -> None:
    """And the audit log has the whole of it."""
    response = await asked(webhook(store(), text="rules: [{name: soft, mode: warn}]"), pod(BARE))
    assert response["allowed"] is True
    first, second = response["warnings"]
    assert first.startswith(f"image {BARE} of container c0: NO_EVIDENCE, rule soft only warns: ")
    assert second.startswith(f"image {BARE} of container c0: TAG_NOT_PINNED, rule soft only warns: ")
    assert response["auditAnnotations"]["decision"] == "allowed"
    assert response["auditAnnotations"]["problems"].startswith(f"warn: image {BARE} of container c0")


async def test_warnings_are_as_short_as_the_api_server_wants_them() -> None:
    """At most 256 characters each and fewer than 4096 in all."""
    names = [f"example.com/{'x' * 200}/a{n}:gone" for n in range(40)]
    one = webhook(store(), text="rules: [{name: soft, mode: warn}]")
    found = (await asked(one, pod(*names)))["warnings"]
    assert found[-1] == "65 more warnings"
    assert max(map(len, found)) == 256
    assert sum(map(len, found)) < 4096


async def test_a_rule_that_audits_tells_the_audit_log_alone() -> None:
    """No warning, no patch."""
    one = webhook(store(), text="rules: [{name: quiet, mode: audit}]")
    response = await asked(one, pod(BARE))
    assert response["allowed"] is True
    assert "warnings" not in response
    assert "audit: image" in response["auditAnnotations"]["problems"]
    assert "patch" not in await asked(one, pod(), path=MUTATE)


async def test_what_is_logged_of_a_request_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """The client writes the names, so each is cut in the log; so is an image's name."""
    long = "n" * 100_000
    names = {"name": long, "userInfo": {"username": f"{long}\n"}, "operation": "CREATE"}
    with caplog.at_level("INFO", "pyratify.webhook"):
        await asked(webhook(store()), pod(f"example.com/{long}"), **names)
        await asked(webhook(store()), pod(BARE), namespace=long, kind={"kind": long}, operation=long)
    assert {record.message for record in caplog.records} == {"answered", "not accepted"}
    assert all(len(str(vars(record))) < 8000 for record in caplog.records)


async def test_the_line_of_an_answer_has_the_code_of_a_denial(caplog: pytest.LogCaptureFixture) -> None:
    """That of the first image that keeps the object out."""
    caplog.set_level("INFO", "pyratify.webhook")
    held = store()
    for tag in ("v1", "bare"):
        await asked(webhook(held), pod(f"example.com/app@{held.tags[tag]}"))
    codes = [record.code for record in caplog.records if record.msg == "answered"]  # type: ignore[attr-defined]
    assert codes == ["", "NO_EVIDENCE"]


async def test_the_strictest_of_several_rules_counts() -> None:
    """For each problem by itself: only the rules that want digests speak of tags."""
    text = "rules: [{name: soft, mode: warn}, {name: hard, requireDigest: false, objectSelector: {matchLabels: {a: b}}}]"
    one = webhook(store(), text=text)
    labelled = {**pod(BARE), "metadata": {"namespace": "team", "labels": {"a": "b"}}}
    response = await asked(one, labelled)
    assert "refused by rule hard: NO_EVIDENCE" in response["status"]["message"]
    (warning,) = response["warnings"]
    assert "TAG_NOT_PINNED, rule soft" in warning
    assert (await asked(one, pod(BARE)))["allowed"] is True
    update = {"operation": "UPDATE", "oldObject": {**labelled, "spec": {}}}
    assert (await asked(one, pod(BARE), **update))["allowed"] is False


async def test_an_exception_admits_with_a_warning_and_is_reported() -> None:
    """It names itself and its end; verification is done all the same."""
    response = await asked(webhook(store(), text=excepted()), pod(BARE))
    assert response["allowed"] is True
    (warning,) = response["warnings"]
    assert "NO_EVIDENCE, exception legacy until 2026-06-02T00:00+00:00" in warning
    assert response["auditAnnotations"]["exceptions"] == "legacy"
    response = await asked(webhook(store(), text=excepted()), pod(APP))
    assert "warnings" not in response


async def test_an_exception_says_nothing_of_what_is_only_recorded() -> None:
    """Beside a rule that denies there is one that audits tags: only the first becomes a warning."""
    quiet = "rules: [{name: quiet, mode: audit}, {name: strict, requireDigest: RD}]"
    text = EXCEPTION.replace("rules: [{name: strict, requireDigest: RD}]", quiet)
    hook = webhook(store(), text=text.replace("CODES", "[NO_EVIDENCE]").replace("RD", "false"))
    response = await asked(hook, pod(BARE))
    assert (response["allowed"], len(response["warnings"])) == (True, 1)
    assert "audit: image" in response["auditAnnotations"]["problems"]


def test_what_was_not_found_out_is_refused() -> None:
    """An image without an answer is none that is allowed."""
    image = Image(("spec",), "containers", "app", f"example.com/app@{Digest.of(b'x')}")
    found = rules()
    case = Case("team", (image,), found.matching(ObjectAttributes(namespace="team", kind=Kind("", "Pod"))))
    (problem,) = problems(case, {}, found, FakeClock().now())
    assert (problem.failure.reason, problem.mode) == (Reason.INTERNAL, Mode.DENY)


async def test_an_exception_that_is_over_is_none() -> None:
    """From the second of its end."""

    class Still(BellClock):
        pass

    clock = Still()
    one = webhook(store(), text=excepted(), clock=clock)
    clock.advance(86400 - 1)
    assert (await asked(one, pod(BARE)))["allowed"] is True
    clock.advance(1)
    assert "NO_EVIDENCE" in await message(one, pod(BARE))


async def test_an_exception_holds_for_its_codes_and_its_namespace_alone() -> None:
    """An image that is refused for another reason stays refused."""
    one = webhook(store(), text=excepted("[NO_EVIDENCE]"))
    assert (await asked(one, pod(BARE)))["allowed"] is True
    assert "NOT_FOUND" in await message(one, pod("example.com/app:gone"))
    elsewhere = object_of("Pod", pod_spec(containers=(BARE,)), "other")
    assert "NO_EVIDENCE" in await message(one, elsewhere)


async def test_late_images_are_refused_and_the_answer_comes_in_time() -> None:
    """Half a second before the API server stops waiting; the others have their verdict."""
    one, clock = store(), BellClock()
    slow = one.add_image("slow", b"slow")
    one.attach(slow, "application/test", annotations={"slow": "yes"})

    async def does(evidence: Evidence) -> Details:
        if "slow" in evidence.manifest.annotations:
            clock.bell.set()
            await asyncio.Event().wait()
        return Details("good")

    hook = webhook(one, FakeVerifier(does=does), text=LOOSE, clock=clock)
    await asked(hook, pod())
    text = await message(hook, pod("example.com/app:slow", APP))
    assert text.startswith("image example.com/app:slow of container c0 is refused by rule loose: TIMEOUT: ")
    assert "app:v1" not in text
    assert clock.slept == [evaluation_seconds(9.5)] * 2
    await hook.aclose()


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("timeout=10s", 9.5), ("timeout=2s", 1.9), ("timeout=30s", 9.5), ("", 9.5), ("timeout=0s", 9.5),
        ("timeout=x", 9.5), ("timeout=-1s", 9.5), ("a=b&timeout=1s", 0.95), ("notimeout=1s", 9.5),
    ],
)  # fmt: skip
async def test_the_deadline_is_what_the_api_server_says_and_never_more_than_ours(
    query: str, seconds: float
) -> None:
    """What is no duration is not believed."""
    clock = BellClock()
    await posted(webhook(store(), clock=clock), "/validate", review(pod()), query)
    assert clock.slept == [evaluation_seconds(seconds)]


async def test_a_verifier_that_fails_admits_nothing() -> None:
    """Its text stays in the log."""

    async def does(evidence: Evidence) -> Details:
        raise RuntimeError("secret")

    text = await message(webhook(store(), FakeVerifier(does=does), text=LOOSE), pod())
    assert "VERIFIER_ERROR: it could not be decided; the webhook's log says why." in text
    assert "secret" not in text


async def test_a_source_that_fails_admits_nothing() -> None:
    """Whatever it raises."""

    class Source:
        def acquire(self, namespace: str) -> None:
            raise RuntimeError("secret")

    hook = webhook(store(), text=LOOSE)
    hook = replace(hook, source=Source())
    text = await message(hook, pod())
    assert "INTERNAL: it could not be decided" in text
    assert "secret" not in text


async def test_without_a_policy_nothing_is_admitted() -> None:
    """A report without a verdict allows nothing."""
    one, clock = store(), BellClock()
    executor = Executor(store=one, verifiers=(FakeVerifier(),))
    hook = webhook(one, text=LOOSE, clock=clock)
    held = Held(Engine(ScopeMap([("*", executor)]), "one"))
    hook = replace(hook, source=Here(held))
    assert "POLICY_UNSATISFIED: no policy allows it." in await message(hook, pod())


async def test_a_defect_of_ours_is_a_refusal() -> None:
    """With the uid, and without the text of the exception."""

    class Broken:
        @property
        def current(self) -> Any:
            raise RuntimeError("secret")

    hook = webhook(store())
    hook.rules = Broken()  # type: ignore[assignment]
    text = await message(hook, pod())
    assert text.startswith("INTERNAL: it could not be decided")
    assert "secret" not in text


async def test_tags_become_digests_and_keep_their_spelling() -> None:
    """All lists; what has a digest stays, and the patch touches nothing else."""
    one = store()
    digest = one.tags["v1"]
    document = pod(APP, "app:v1", pinned(one), initContainers=(APP,), volumes=(APP,))
    response = await asked(webhook(one), document, path=MUTATE)
    found = patched(document, response)["spec"]
    assert [each["image"] for each in found["containers"]] == [
        f"{APP}@{digest}", f"app:v1@{digest}", pinned(one),
    ]  # fmt: skip
    assert found["initContainers"][0]["image"] == f"{APP}@{digest}"
    assert found["volumes"][1]["image"] == {"reference": f"{APP}@{digest}"}
    assert found["volumes"][0] == document["spec"]["volumes"][0]


async def test_pinning_again_changes_nothing() -> None:
    """The API server may ask again after other webhooks; and no registry is asked."""
    one = store()
    document = patched(pod(), await asked(webhook(one), pod(), path=MUTATE))
    one.calls.clear()
    response = await asked(webhook(one), document, path=MUTATE)
    assert "patch" not in response
    assert one.calls == []
    assert (await asked(webhook(one), document))["allowed"] is True


async def test_an_update_pins_what_it_changes_alone() -> None:
    """A container that runs is not restarted because a label was added."""
    one = store()
    digest = one.tags["v1"]
    changes = {"operation": "UPDATE", "oldObject": pod(APP)}
    assert "patch" not in await asked(webhook(one), pod(APP), path=MUTATE, **changes)
    document = pod(APP, APP)
    found = patched(document, await asked(webhook(one), document, path=MUTATE, **changes))
    assert [each["image"] for each in found["spec"]["containers"]] == [APP, f"{APP}@{digest}"]


async def test_what_cannot_be_pinned_is_refused_and_not_patched() -> None:
    """Under a rule that denies; one that warns admits it as it is, with the rest pinned."""
    response = await asked(webhook(store()), pod("example.com/app:gone", APP), path=MUTATE)
    assert response["allowed"] is False
    assert "NOT_FOUND" in response["status"]["message"]
    assert "patch" not in response
    soft = webhook(store(), text="rules: [{name: soft, mode: warn}]")
    document = pod("example.com/app:gone", APP)
    response = await asked(soft, document, path=MUTATE)
    containers = patched(document, response)["spec"]["containers"]
    assert containers[0]["image"] == "example.com/app:gone"
    assert "@sha256:" in containers[1]["image"]
    assert len(response["warnings"]) == 1


async def test_a_digest_of_something_else_is_never_put_behind_a_tag() -> None:
    """The repository is that of the reference, whatever the store says."""

    class Elsewhere(MemoryStore):
        digest = Digest.of(b"elsewhere")

        async def resolve(self, reference: Any) -> Any:
            found = self.add_image()
            return type(found)(found.media_type, self.digest, found.size)

    document = pod("localhost:5000/team/app")
    found = patched(document, await asked(webhook(Elsewhere()), document, path=MUTATE))
    assert found["spec"]["containers"][0]["image"] == f"localhost:5000/team/app@{Digest.of(b'elsewhere')}"


@pytest.mark.parametrize("text", ["NOT/valid", "example.com/app", "app", "x" * 1000])
def test_what_would_be_read_as_something_else_is_never_written(text: str) -> None:
    """Where a digest cannot be put behind the text, the whole reference stands in its place."""
    wanted = Reference.parse(f"example.com/other@{Digest.of(b'x')}")
    assert pinned_text(text, wanted) == str(wanted)


def test_steps_of_a_path_are_escaped() -> None:
    """As RFC 6901 says; such a kind is a custom resource."""
    assert pointer(("a/b", "c~d", "~1")) == "/a~1b/c~0d/~01"


async def test_the_namespace_of_the_object_is_the_tenant() -> None:
    """It comes from the request, and the source is asked for exactly that."""
    asked_for: list[str] = []

    class Source:
        def acquire(self, namespace: str) -> None:
            asked_for.append(namespace)

    hook = webhook(store(), clock=FakeClock())
    hook = replace(hook, source=Source())
    document = {**pod(f"example.com/app@{Digest.of(b'x')}"), "metadata": {"namespace": "other"}}
    assert "NO_EXECUTOR" in await message(hook, document, namespace="team")
    assert asked_for == ["team"]
