"""Makers of attestations, for tests: statements of every kind, good ones and broken in one chosen way; and how they are attached."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.store import Discovery
from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore.in_toto import STATEMENT_TYPES
from pyratify.sigstore.media_types import BUNDLE, IN_TOTO
from pyratify.testing.cosign import CosignKey
from pyratify.testing.memory import MemoryStore, make_manifest

DSSE = "application/vnd.dsse.envelope.v1+json"
SLSA_V1 = "https://slsa.dev/provenance/v1"
SLSA_V02 = "https://slsa.dev/provenance/v0.2"
REPOSITORY = "https://github.com/org/app"
REF = "refs/tags/v1.2.3"
COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567"
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml@{REF}"
WORKFLOW_BUILD = "https://actions.github.io/buildtypes/workflow/v1"
VSA = "https://slsa.dev/verification_summary/v1"
VERIFIER = "https://example.com/verifier"
BUILT = "2026-05-31T12:00:00Z"


def in_toto(subject: Digest, predicate_type: str, predicate: object, **extra: Any) -> dict[str, Any]:
    """Return a statement about a subject; `extra` adds or replaces members as they stand."""
    return {
        "_type": STATEMENT_TYPES[0],
        "subject": [{"name": "example.com/app", "digest": {subject.algorithm: subject.hex}}],
        "predicateType": predicate_type,
        "predicate": predicate,
        **extra,
    }


def provenance_v1(
    *,
    builder: str = WORKFLOW,
    source: str = REPOSITORY,
    ref: str = REF,
    build_type: str = WORKFLOW_BUILD,
    finished: str = BUILT,
) -> dict[str, Any]:
    """Return a SLSA provenance predicate of version 1, as GitHub's workflows write it."""
    return {
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": {
                "workflow": {"ref": ref, "repository": source, "path": ".github/workflows/release.yml"}
            },
            "internalParameters": {"github": {"runner_environment": "github-hosted"}},
            # GitHub repeats the source as a dependency, with the commit that was built.
            "resolvedDependencies": [{"uri": f"git+{source}@{ref}", "digest": {"gitCommit": COMMIT}}],
        },
        "runDetails": {
            "builder": {"id": builder},
            "metadata": {"invocationId": f"{source}/actions/runs/1", "finishedOn": finished},
        },
    }


def provenance_v02(
    *, builder: str = "https://example.com/builder", source: str = REPOSITORY, ref: str = REF
) -> dict[str, Any]:
    """Return a SLSA provenance predicate of version 0.2."""
    uri, digest = f"git+{source}@{ref}", {"sha1": COMMIT}
    return {
        "builder": {"id": builder},
        "buildType": "https://example.com/build/v1",
        "invocation": {
            "configSource": {"uri": uri, "digest": digest, "entryPoint": "build.yml"},
            "parameters": {"debug": False},
        },
        "metadata": {"buildStartedOn": BUILT, "buildFinishedOn": BUILT},
        "materials": [{"uri": uri, "digest": digest}],
    }


def summary(
    *,
    verifier: str = VERIFIER,
    resource: str = "https://example.com/app",
    result: str = "PASSED",
    levels: Sequence[str] = ("SLSA_BUILD_LEVEL_3",),
    **extra: Any,
) -> dict[str, Any]:
    """Return a predicate of a verification summary, version 1; `extra` adds or replaces members as they stand."""
    return {
        "verifier": {"id": verifier},
        "timeVerified": BUILT,
        "resourceUri": resource,
        "policy": {"uri": "https://example.com/policy", "digest": {"sha256": "1" * 64}},
        "verificationResult": result,
        "verifiedLevels": list(levels),
        "slsaVersion": "1.0",
        **extra,
    }


def envelope(
    key: CosignKey, statement: Mapping[str, Any] | bytes, payload_type: str = IN_TOTO
) -> dict[str, Any]:
    """Return a DSSE envelope around a statement; bytes are signed as they are."""
    data = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    signature = key.sign(pre_authentication_encoding(payload_type, data))
    return {
        "payload": encode_base64(data),
        "payloadType": payload_type,
        "signatures": [{"keyid": "", "sig": encode_base64(signature)}],  # cosign leaves it empty
    }


def bundle(key: CosignKey, statement: Mapping[str, Any] | bytes) -> dict[str, Any]:
    """Return a sigstore bundle with a statement, as cosign 3 attests it with a key."""
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": key.hint}},
        "dsseEnvelope": envelope(key, statement),
    }


def attach_attestation(store: MemoryStore, image: Descriptor, document: Mapping[str, Any]) -> Descriptor:
    """Attach a bundle or an envelope as a referrer."""
    kind = BUNDLE if "mediaType" in document else DSSE
    layer = store.add_blob(json.dumps(document).encode(), kind)
    manifest = store.add_manifest(make_manifest(artifact_type=kind, layers=[layer], subject=image))
    store.list_under(image.digest, manifest)
    return manifest


def attach_under_tag(store: MemoryStore, image: Descriptor, *envelopes: Mapping[str, Any]) -> Descriptor:
    """Attach envelopes under cosign's tag `sha256-HEX.att`, one layer each, without subject and artifact type."""
    layers = [store.add_blob(json.dumps(each).encode(), DSSE) for each in envelopes]
    config = Descriptor("application/vnd.oci.image.config.v1+json", Digest.of(b"{}"), 2)
    tag = f"{image.digest.algorithm}-{image.digest.hex}.att"
    manifest = store.add_manifest(make_manifest(layers=layers, config=config), tag=tag)
    store.list_under(image.digest, manifest, Discovery.COSIGN_TAG)
    return manifest


BROKEN_STATEMENTS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "another type of statement": lambda found: found | {"_type": "https://in-toto.io/Statement/v9"},
    "no type of statement": lambda found: {key: found[key] for key in found if key != "_type"},
    "no predicate type": lambda found: {key: found[key] for key in found if key != "predicateType"},
    "predicate type that is a number": lambda found: found | {"predicateType": 1},
    # A comparison by prefix would accept it.
    "look-alike predicate type": lambda found: found | {"predicateType": f"{found['predicateType']}.evil"},
    "no predicate": lambda found: {key: found[key] for key in found if key != "predicate"},
    "predicate that is a text": lambda found: found | {"predicate": json.dumps(found["predicate"])},
    "predicate that is a list": lambda found: found | {"predicate": [found["predicate"]]},
    "empty predicate": lambda found: found | {"predicate": {}},
    "no subject": lambda found: found | {"subject": []},
    "subject that is null": lambda found: found | {"subject": [None, *found["subject"]]},
    "subject without digest": lambda found: found | {"subject": [{"name": "app"}, *found["subject"]]},
    # sha1 has collisions; in statements it names commits, and no image.
    "subject by a weak digest": lambda found: found | {"subject": [{"digest": {"sha1": COMMIT}}]},
    # Stricter than in-toto's DigestSet, by which any one acceptable digest makes a match.
    "subject with a contradiction": lambda found: (
        found | {"subject": [{"digest": {**found["subject"][0]["digest"], "sha512": "0" * 128}}]}
    ),
    "another subject": lambda found: found | {"subject": [{"digest": {"sha256": "0" * 64}}]},
    "a list": lambda found: [found],
    "nothing": lambda _: None,
}
"""Ways in which a signed statement can be wrong; none of them may count."""
