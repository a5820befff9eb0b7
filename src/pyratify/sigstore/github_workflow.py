"""GitHub workflows as signers: which workflow signed, and whether on a runner that GitHub hosts (Fulcio, oid-info)."""

from pyratify.core.errors import ConfigurationError
from pyratify.sigstore.fulcio import OIDS, CertificateSigner

GITHUB = "https://token.actions.githubusercontent.com"
_HOSTED = "github-hosted"


def signer_workflow(text: str, path: str) -> str:
    """Return the address of a workflow that is written as `[HOST/]OWNER/REPOSITORY/PATH[@REF]`, as gh's `--signer-workflow`.

    Raises:
        ConfigurationError: It names no file in a repository.
    """
    name, at, ref = text.removeprefix("https://").partition("@")
    parts = name.split("/")
    # Owners have no dot in their names.
    host = parts.pop(0) if "." in parts[0] else "github.com"
    # Exactly: an empty part or a pattern would name something else than it seems to.
    if len(parts) < 3 or not all(parts) or ".." in parts or "*" in text or (at and not ref):
        raise ConfigurationError(
            f"{text[:120]!a} names no workflow",
            path=path,
            remedy="Write it as OWNER/REPOSITORY/.github/workflows/FILE, with @refs/... for one version of it.",
        )
    # Hosts have no case, paths do (RFC 3986, 6.2.2.1).
    return f"https://{host.lower()}/{'/'.join(parts)}{at}{ref}"


def issuer_of(workflow: str) -> str:
    """Return the issuer that authenticates a workflow at this address; empty where the host does not say which it is."""
    host = workflow.split("/")[2]
    if host == "github.com":
        return GITHUB
    # GitHub Enterprise Cloud with data residency; a server of one's own has an issuer of its own, below any path.
    return f"https://token.actions.{host}" if host.endswith(".ghe.com") else ""


def check_runner(signer: CertificateSigner, workflow: str, *, deny_self_hosted: bool) -> str:
    """Return what does not match, with what the certificate states; empty where everything does.

    Args:
        signer: The signer.
        workflow: The address of the workflow, with or without its version; empty for any.
        deny_self_hosted: Whether the runner must be one that GitHub hosts.
    """
    # The reusable workflow where one signs, and not its caller (Fulcio oid-info, 1.3.6.1.4.1.57264.1.9).
    stated = signer.extensions.get(OIDS["buildSignerURI"], "")
    # The whole name: `release.yml` is no beginning of `release.yml.evil`.
    if workflow and workflow not in (stated, stated.partition("@")[0]):
        return f"signerWorkflow (the certificate names {stated[:200]!a}, not {workflow})"
    runner = signer.extensions.get(OIDS["runnerEnvironment"], "")
    if deny_self_hosted and runner != _HOSTED:
        return f"runnerEnvironment (the certificate names {runner[:80]!a}, not {_HOSTED!r})"
    return ""
