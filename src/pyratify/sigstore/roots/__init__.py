"""The trusted roots of Sigstore's public instances that are shipped with pyratify, and which one a policy uses.

`public-good` and `staging` hold what these instances publish through TUF (https://tuf-repo-cdn.sigstore.dev and
https://tuf-repo-cdn.sigstage.dev): `trusted_root.json`, and `root.json`, the root of TUF's own trust.
"""

from importlib.resources import files

from pyratify.core.key import KeyMaterial
from pyratify.sigstore.requirements import SignatureRequirements
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.trusted_root_lines import load_trusted_roots
from pyratify.sigstore.tuf import Repository, kept_root

PUBLIC_GOOD = "public-good"
STAGING = "staging"
INSTANCES = {
    PUBLIC_GOOD: "https://tuf-repo-cdn.sigstore.dev",
    STAGING: "https://tuf-repo-cdn.sigstage.dev",
}


def shipped_root(instance: str = PUBLIC_GOOD) -> KeyMaterial:
    """Return the trusted root of one of `INSTANCES` as it was when this version was made."""
    return KeyMaterial(_read(instance, "trusted_root.json"), f"the {instance} root shipped with pyratify")


def current_root(instance: str = PUBLIC_GOOD) -> KeyMaterial:
    """Return the trusted root of one of `INSTANCES`: the last that was refreshed, else the one that is shipped."""
    return kept_root(instance) or shipped_root(instance)


def repository_of(instance: str = PUBLIC_GOOD) -> Repository:
    """Return where one of `INSTANCES` publishes its trusted root, with the TUF root that is shipped."""
    # TUF starts from the shipped root of trust, whatever the mirror answers.
    return Repository(instance, INSTANCES[instance], _read(instance, "root.json"))


def roots_of(requirements: SignatureRequirements) -> tuple[TrustedMaterial, ...]:
    """Return what a policy trusts: the parts it names, the roots it names, or Sigstore's public instance.

    Raises:
        ConfigurationError: `TRUST_ROOT`: the root cannot be used.
    """
    if requirements.authorities is not None:
        return (requirements.authorities,)
    return load_trusted_roots(requirements.trusted_root or current_root())


def _read(instance: str, name: str) -> bytes:
    return (files(__package__) / instance / name).read_bytes()
