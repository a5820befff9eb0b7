"""Sigstore bundles: CPU for one more keyless verification in process, against sigstore-python on the same bundles.

Both have read their trusted root and their policy, and get bytes; what they remember of certificate authorities, they may.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from tempfile import NamedTemporaryFile
from typing import Any

from bench.measure import in_turn, table
from pyratify.core.clock import SystemClock
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.testing.cosign import statement
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy

ARTIFACT = b"artifact" * 128
ROUNDS = 50
RUNS = 7


@dataclass(frozen=True)
class Case:
    """A bundle.

    Attributes:
        name: What is measured.
        bundle: Its bytes.
        is_statement: Whether it holds an envelope.
    """

    name: str
    bundle: bytes
    is_statement: bool


def report() -> str:
    """Measure and return the table."""
    logging.disable(logging.WARNING)
    sigstore = PrivateSigstore("bench")
    rows = []
    for case in _cases(sigstore):
        result = in_turn(_ours(sigstore, case), _theirs(sigstore, case), RUNS)
        times = (f"{seconds * 1000:.2f} ms" for seconds in (result.ours, result.peer))
        rows.append((case.name, *times, f"{result.ratio:.2f} x"))
    head = ("bundle", "pyratify, CPU", "sigstore-python, CPU", "ratio (aim: 1.0 x)")
    return table("One more keyless bundle, in process", head, rows)


def _cases(sigstore: PrivateSigstore) -> list[Case]:
    import json

    digest = Artifact.of(ARTIFACT).digest
    found = []
    for log, name in ((1, "log of version 1"), (2, "log of version 2, timestamp")):
        signing = Signing(log=log, life=timedelta(minutes=10))
        message = sigstore.sign_message(ARTIFACT, signing)
        envelope = sigstore.sign_statement(statement(digest), signing)
        found += [
            Case(f"message, {name}", json.dumps(message).encode(), is_statement=False),
            Case(f"statement, {name}", json.dumps(envelope).encode(), is_statement=True),
        ]
    return found


def _ours(sigstore: PrivateSigstore, case: Case) -> Callable[[], float]:
    identity = CertificateIdentity(subject=SUBJECT, issuer=ISSUER)
    policy = CosignTrustPolicy(identities=(identity,), trusted_root=sigstore.root)
    trusted = load_authenticator(policy, SystemClock())
    artifact = Artifact.of(ARTIFACT)
    return partial(_timed, lambda: verify_blob(case.bundle, artifact, trusted))


def _theirs(sigstore: PrivateSigstore, case: Case) -> Callable[[], float]:
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    with NamedTemporaryFile("wb", suffix=".json") as file:
        file.write(sigstore.root.data)
        file.flush()
        verifier = Verifier(trusted_root=TrustedRoot.from_file(file.name))
    policy = Identity(identity=SUBJECT, issuer=ISSUER)

    def verify() -> Any:
        bundle = Bundle.from_json(case.bundle)
        if case.is_statement:
            return verifier.verify_dsse(bundle, policy)
        return verifier.verify_artifact(ARTIFACT, bundle, policy)

    return partial(_timed, verify)


def _timed(verify: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(ROUNDS):
        verify()
    return (time.process_time() - start) / ROUNDS
