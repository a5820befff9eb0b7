"""Our command and both cosigns over everything that they sign with a private Sigstore: equal verdicts, good and broken cases alike.

Where a verdict differs, `DIFFERENCES` says why; a difference that is not there, and one that is there no more, fails.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import live, sigstore_instance
from interop.sigstore_policies import KEY, OTHER_KEY, Policy, classic_environment, policies
from interop.sigstore_scene import EMAIL, IMAGES, KINDS, TAG, Scene, at, peer
from interop.sigstore_scene import KEY as SIGNING_KEY

pytestmark = pytest.mark.interop
TLOG_ENDED = ("v3", "v3-annotated")
NO_TIME = (
    *("v3-log1", "v2", "v2-annotated", "v3-without-stamp", "v3-stamp"),
    *("v2-entry", "v2-promise", "v2-later", "v2-without-entry", "v2-without-chain"),
    *("v2-stamp", "v2-without-stamp"),
)
# Of what cosign accepts and we do not: policy, images, and why. There is nothing that we alone accept.
DIFFERENCES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "email",
        ("v3-entry", "v3-root-hash"),
        "the stated entry and root hash of a second log are not looked at",
    ),
    ("key", ("v3-key-entry",), "likewise"),
    ("email-ignore-tlog", NO_TIME, "without a time the present is taken, so the verdict changes in minutes"),
    ("root-ended-log", TLOG_ENDED, "the period of a second log's key is not looked at"),
    ("key-root-ended-log", ("v3-key", "v3-key-annotated"), "likewise"),
    (
        "parts",
        ("v3", "v3-annotated", "v3-log1", "bundle2", "v2", "v2-annotated", "v2-stamped"),
        "expressions are found anywhere in the text",
    ),
)
# cosign takes a bundle with any statement for a signature; for us attestations are none unless a policy names their type.
ATTESTED = {"v3-attested", "v3-key-attested"}
ACCEPTED = {
    "email": {
        *("v3", "v3-annotated", "v3-log1", "bundle2"),
        *("v2", "v2-annotated", "v2-stamped", "v2-without-chain"),
    },
    "go-regexps": {
        *("v3", "v3-annotated", "v3-log1", "bundle2"),
        *("v2", "v2-annotated", "v2-stamped"),
    },
    "key-offline": {
        *("v3-key", "v3-key-log1", "v3-key-offline", "v3-key-annotated", "bundle2-key"),
        *("v2-key", "v2-key-offline", "v2-key-stamped", "v3-key-entry", "v3-key-without-entry"),
    },
    "github-claims": {"v3-github", "v2-github"},
    "username": {"v3-username", "v2-username"},
    "annotated": {"v3-annotated", "v2-annotated"},
    "wrong-identity": set(),
    "wrong-issuer": set(),
    "root-other-ca": set(),
    "root-no-ct": set(),
}
POLICIES = (
    *("email", "email-ignore-tlog", "key", "key-ignore-tlog", "key-offline", "other-key"),
    *("key-annotated", "key-wrong-annotation", "annotated", "wrong-annotation", "ignore-sct"),
    *(f"key-{kind}" for kind in KINDS),
    *(
        "wrong-identity",
        "wrong-issuer",
        "regexps",
        "go-regexps",
        "other-regexps",
        "other-issuers",
        "parts",
        "github",
    ),
    *("username", "github-claims", "github-other-trigger", "github-other-sha", "github-other-name"),
    *("github-other-repository", "github-other-ref", "root-no-ct", "root-other-ca", "root-no-logs"),
    *("root-other-log", "root-no-tsa", "root-ended-ca", "root-ended-tsa", "root-ended-log"),
    *("root-no-ct-ignore-sct", "key-root-no-logs", "key-root-other-log", "key-root-no-tsa"),
    *("key-root-ended-log",),
)


@pytest.fixture(scope="module")
def scene(peers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything signed, once."""
    if absent := sigstore_instance.missing():
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    folder = tmp_path_factory.mktemp("sigstore")
    with sigstore_instance.running(folder) as instance, live.loopback.registry() as repository:
        found = Scene(instance, repository.name.partition("/")[0], instance.trusted_root("root"))
        found.sign_everything()
        yield found


@pytest.fixture(scope="module")
def known(scene: Scene) -> dict[str, Policy]:
    """Every policy by its name."""
    return policies(scene)


def ours(scene: Scene, flags: tuple[str, ...], images: tuple[str, ...]) -> set[str]:
    """The images that our command accepts; all are asked about at once."""
    answer = live.ratify(*flags, *(scene.at_digest(image) for image in images))
    assert len(answer.results) == len(images), answer.stderr
    assert all("error" not in result for result in answer.results), answer.results
    return {image for image, result in zip(images, answer.results, strict=True) if result["succeeded"]}


def differing(name: str) -> set[str]:
    """The images of which the verdict under a policy differs, and why is known."""
    return {image for named, images, _ in DIFFERENCES if named == name for image in images}


def cosign_accepts(scene: Scene, image: str, *flags: str) -> bool:
    """The verdict of cosign 3."""
    return peer("cosign", {}, "verify", *flags, scene.at_digest(image)).returncode == 0


@pytest.mark.parametrize("name", POLICIES)
def test_our_verdicts_are_those_of_cosign(name: str, scene: Scene, known: dict[str, Policy]) -> None:
    """Under one policy, of every image."""
    policy = known[name]
    mine = ours(scene, policy.ours, policy.images)
    theirs = {image for image in policy.images if cosign_accepts(scene, image, *policy.ours, *policy.hint)}
    assert not mine - theirs
    assert theirs - mine - ATTESTED == differing(name)
    assert mine == ACCEPTED.get(name, mine)


@pytest.mark.parametrize("name", [name for name in POLICIES if "root" not in name])
def test_classic_verdicts_are_those_of_cosign_2(name: str, scene: Scene, known: dict[str, Policy]) -> None:
    """Of the classic signatures, which that version wrote and which it is told of the instance part by part."""
    policy, environment = known[name], classic_environment(scene)
    images = tuple(image for image in policy.images if image.startswith("v2") or image == "unsigned")
    mine = ours(scene, policy.ours, images)
    flags = ("verify", *policy.flags, *policy.hint)
    theirs = {
        image
        for image in images
        if not peer("cosign2", environment, *flags, scene.at_digest(image)).returncode
    }
    assert (mine - theirs, theirs - mine) == (set(), differing(name) & set(images))


def test_every_policy_is_tried_and_every_difference_is_of_a_case_that_exists(
    known: dict[str, Policy],
) -> None:
    """Nothing is left out by a misspelt name."""
    assert set(POLICIES) == set(known)
    assert {name for name, _, _ in DIFFERENCES} | set(ACCEPTED) <= set(POLICIES)
    assert {image for _, images, _ in DIFFERENCES for image in images} | ATTESTED <= set(IMAGES)


@pytest.mark.parametrize("program", ["cosign", "cosign2"])
def test_signatures_in_another_repository_are_found_as_cosign_finds_them(program: str, scene: Scene) -> None:
    """Signed with `COSIGN_REPOSITORY`, and for the classic form with a prefix too; they are found only with the same settings."""
    image, elsewhere = f"elsewhere-{program}", f"{scene.registry}/signatures-{program}"
    scene.repository(image).push_image(TAG)
    reference = scene.at_digest(image)
    classic = program == "cosign2"
    prefix = ("--attachment-tag-prefix", "dev-") if classic else ()
    how = ("--tlog-upload=false",) if classic else (f"--signing-config={scene.instance.no_services()}",)
    told = {"COSIGN_REPOSITORY": elsewhere}
    assert not peer(program, told, "sign", "--yes", *SIGNING_KEY, *how, *prefix, reference).returncode
    key = (*KEY, "--insecure-ignore-tlog")
    for theirs, repository, flags in (
        (told, ("--signature-repository", elsewhere), prefix),
        ({}, (), prefix),
        (
            told,
            ("--signature-repository", elsewhere),
            ("--attachment-tag-prefix", "prod-") if classic else (),
        ),
        (
            {"COSIGN_REPOSITORY": f"{scene.registry}/v3"},
            ("--signature-repository", f"{scene.registry}/v3"),
            prefix,
        ),
    ):
        wanted = peer(program, theirs, "verify", *key, *flags, reference).returncode == 0
        mine = live.ratify(*key, *repository, *flags, reference)
        assert mine.code in (0, 1), mine.stderr
        assert (mine.code == 0, wanted) == (wanted, theirs == told and flags == prefix)


def test_the_parts_of_an_instance_are_as_good_as_its_root(scene: Scene, tmp_path: Path) -> None:
    """Certificates and keys one by one in a configuration: what they sign is accepted, and what lacks one is not."""
    files = {name: str(path) for name, path in scene.instance.files.items()}
    parts = {
        "fulcioCertificates": [files["fulcio"]],
        "ctLogKeys": [files["ct"]],
        "rekorKeys": [{"file": files["rekor"], "origin": "127.0.0.1"}, {"file": files["rekor1"]}],
        "timestampCertificates": [files["tsa"]],
    }
    issuer = f"{scene.instance.urls['oidc']}/email"
    identity = {"certificateIdentity": EMAIL, "certificateOIDCIssuer": issuer}
    for left_out, wanted in (
        ("", {"v3", "v2", "v3-log1"}),
        ("timestampCertificates", {"v2", "v3-log1"}),
        ("ctLogKeys", set()),
        ("rekorKeys", set()),
        ("fulcioCertificates", set()),
    ):
        named = {name: value for name, value in parts.items() if name != left_out}
        policy = {**identity, **named}
        verifier = {"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [policy]}}
        store = {"type": "registry-store", "parameters": {"allowCosignTag": True}}
        executor = {"scopes": [scene.registry], "stores": [store], "verifiers": [verifier]}
        path = tmp_path / "ratify.json"
        path.write_text(json.dumps({"executors": [executor]}))
        assert ours(scene, ("-c", str(path)), ("v3", "v2", "v3-log1", "v3-replayed")) == wanted


@pytest.mark.parametrize("how", ["keyless", "key"])
def test_bundles_of_files_have_cosigns_verdicts(how: str, scene: Scene, tmp_path: Path) -> None:
    """`cosign sign-blob` writes them; right, for another file, by another signer, without its root, and spoilt."""
    file, other, bundle = tmp_path / "file", tmp_path / "other", tmp_path / "bundle.json"
    file.write_bytes(b"a file")
    other.write_bytes(b"another file")
    root = ("--trusted-root", str(scene.root))
    signer = scene.keyless() if how == "keyless" else SIGNING_KEY
    config = f"--signing-config={scene.instance.signing_config()}"
    peer("cosign", {}, "sign-blob", "--yes", config, *root, "--bundle", str(bundle), *signer, str(file))
    spoilt = tmp_path / "spoilt.json"
    document = json.loads(bundle.read_text())
    at("messageSignature", "signature")(document)
    spoilt.write_text(json.dumps(document))
    who = scene.who() if how == "keyless" else KEY
    nobody = scene.who("github") if how == "keyless" else OTHER_KEY
    for flags, subject, named, wanted in (
        (who, file, bundle, True),
        (who, other, bundle, False),
        (nobody, file, bundle, False),
        (who, file, spoilt, False),
    ):
        arguments = ("--bundle", str(named), *flags, *root, str(subject))
        mine = live.command(live.sys.executable, "-m", "pyratify", "verify-bundle", *arguments)
        theirs = peer("cosign", {}, "verify-blob", *arguments)
        assert (mine.returncode == 0, theirs.returncode == 0) == (wanted, wanted), (mine, theirs)


@pytest.mark.parametrize("image", ["v3-attested", "v2-attested", "v3-key-attested", "v2-key-attested"])
def test_an_attestation_is_evidence_where_a_statement_is_asked_for(scene: Scene, image: str) -> None:
    """Keyless and with a key, as a bundle and under cosign's tag, with the entry of its log; of its own type alone."""
    trust = ("--trusted-root", str(scene.root))
    who = live.with_key() if "key" in image else scene.who("email")
    common = (*who, *trust, "--plain-http", "--no-cache")
    for kind, code in (("https://example.com/predicate", 0), ("https://example.com/other", 1)):
        answer = live.ratify(*common, "--type", kind, scene.at_digest(image))
        assert answer.code == code, answer.only
