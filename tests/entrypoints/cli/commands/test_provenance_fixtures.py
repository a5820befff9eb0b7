"""Provenance that GitHub's public instance of Sigstore signed, from sigstore-conformance: what its certificate says counts."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
BEACON = "sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (("--type", "slsaprovenance1"), 0, ""),
        (("--type", "slsaprovenance1", "--deny-self-hosted"), 0, ""),
        (("--type", "slsaprovenance"), 1, "PREDICATE_TYPE"),
        (("--source-uri", "https://github.com/loosebazooka/aa-test"), 1, "PROVENANCE_MISMATCH"),
        (("--source-uri", "https://github.com/other/repository"), 1, "PROVENANCE_MISMATCH"),
    ],
)
def test_a_workflow_that_signs_provenance_of_another_is_refused(
    flags: tuple[str, ...], code: int, said: str, shared: Path, run: Run
) -> None:
    """The bundle is good; its statement names a builder that its signer is not."""
    assets = shared / "sigstore-conformance" / "assets"
    bundle = assets / "bundle-verify" / "happy-path-intoto-in-dsse-v3" / "bundle.sigstore.json"
    who = ("--signer-workflow", BEACON)
    found = run("verify-file", "--bundle", bundle, *who, *flags, "--no-cache", assets / "a.txt")
    assert found[0] == code, found[1]
    assert said in found[1]
