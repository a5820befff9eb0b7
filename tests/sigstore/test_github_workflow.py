"""GitHub workflows as signers: the exact workflow, on a hosted runner."""

import pytest

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.fulcio import CertificateSigner
from pyratify.sigstore.github_workflow import GITHUB, signer_workflow
from pyratify.sigstore.identity import CertificateIdentity, check_signer
from pyratify.testing.sigstore import extension

FILE = "org/app/.github/workflows/release.yml"
ADDRESS = f"https://github.com/{FILE}"


def signer(workflow: str = f"{ADDRESS}@refs/tags/v1", runner: str = "github-hosted") -> CertificateSigner:
    """Return a signer as GitHub's certificates name it."""
    return CertificateSigner(workflow, "uri", GITHUB, {extension(9): workflow, extension(11): runner})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (FILE, ADDRESS),
        (f"github.com/{FILE}", ADDRESS),
        (f"https://github.com/{FILE}", ADDRESS),
        (f"ghe.example.com/{FILE}", f"https://ghe.example.com/{FILE}"),
        (f"{FILE}@refs/tags/v1", f"{ADDRESS}@refs/tags/v1"),
    ],
)
def test_a_workflow_is_written_as_gh_takes_it(text: str, address: str) -> None:
    """With or without the host, and with its version where one is meant."""
    assert signer_workflow(text, "") == address


@pytest.mark.parametrize(
    "text", ["", "org", "org/app", "org//x", "org/app/../x", "org/app/*.yml", f"{FILE}@"]
)
def test_what_names_no_workflow_is_refused(text: str) -> None:
    """Nothing is completed or matched in part."""
    with pytest.raises(ConfigurationError):
        signer_workflow(text, "signerWorkflow")


@pytest.mark.parametrize(
    ("wanted", "found", "good"),
    [
        (ADDRESS, signer(), True),
        (f"{ADDRESS}@refs/tags/v1", signer(), True),
        (f"{ADDRESS}@refs/tags/v2", signer(), False),
        (ADDRESS, signer(f"{ADDRESS}.evil@refs/tags/v1"), False),
        (ADDRESS, signer(f"{ADDRESS.replace('org', 'evil')}@refs/tags/v1"), False),
        (ADDRESS, signer(""), False),
    ],
)
def test_the_workflow_in_the_certificate_is_the_one_that_is_named(
    wanted: str, found: CertificateSigner, good: bool
) -> None:
    """The whole name; in any version where none is named."""
    identity = CertificateIdentity(workflow=wanted)
    assert identity.issuer == GITHUB
    if good:
        check_signer(found, (identity,))
        return
    with pytest.raises(VerificationError) as caught:
        check_signer(found, (identity,))
    assert caught.value.reason is Reason.IDENTITY_MISMATCH
    assert wanted in caught.value.message


def test_the_issuer_is_that_of_the_workflow_s_host() -> None:
    """GitHub's own, or that of an enterprise with data residency; that of a server has to be named."""
    enterprise = f"https://octo.ghe.com/{FILE}"
    assert CertificateIdentity(workflow=enterprise).issuer == "https://token.actions.octo.ghe.com"
    named = CertificateIdentity(workflow=enterprise, issuer="https://issuer.example.com")
    assert named.issuer == "https://issuer.example.com"
    for host in ("ghe.example.com", "ghe.com", "evilghe.com", "github.com.evil.example"):
        with pytest.raises(ConfigurationError, match="does not say which") as refused:
            CertificateIdentity(workflow=f"https://{host}/{FILE}")
        assert refused.value.path == "certificateOIDCIssuer"


@pytest.mark.parametrize("runner", ["self-hosted", "", "github-hosted-not"])
def test_a_runner_of_one_s_own_is_refused_where_it_is_denied(runner: str) -> None:
    """A certificate that does not say where it ran counts as one."""
    check_signer(signer(runner=runner), (CertificateIdentity(workflow=ADDRESS),))
    with pytest.raises(VerificationError, match="github-hosted"):
        check_signer(signer(runner=runner), (CertificateIdentity(workflow=ADDRESS, deny_self_hosted=True),))
    check_signer(signer(), (CertificateIdentity(workflow=ADDRESS, deny_self_hosted=True),))


def test_another_issuer_speaks_for_no_workflow_of_github() -> None:
    """A certificate of another provider may state anything."""
    found = CertificateSigner("x", "uri", "https://evil.example.com", dict(signer().extensions))
    with pytest.raises(VerificationError, match="issuer"):
        check_signer(found, (CertificateIdentity(workflow=ADDRESS),))
