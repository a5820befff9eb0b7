"""Which hosts are Amazon ECR: its credentials go to these and to no other one."""

import re
from dataclasses import dataclass

PUBLIC = frozenset({"public.ecr.aws", "ecr-public.aws.com"})
PUBLIC_REGION = "us-east-1"  # the only one whose API gives tokens for the public registry

# A whole host: neither more labels before the account nor anything behind the zone. A port makes it another service.
_PRIVATE = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})"
    r"\.(?P<zone>amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn"
    r"|on\.amazonwebservices\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)
_ZONES = {
    "cn-": ("amazonaws.com.cn", "on.amazonwebservices.com.cn"),
    "eusc-": ("amazonaws.eu", "on.amazonwebservices.eu"),
    "us-iso-": ("c2s.ic.gov",),
    "us-isob-": ("sc2s.sgov.gov",),
    "eu-isoe-": ("cloud.adc-e.uk",),
    "us-isof-": ("csp.hci.ic.gov",),
}
_USUAL = ("amazonaws.com", "on.aws")


@dataclass(frozen=True, slots=True)
class EcrHost:
    """A private registry of Amazon ECR.

    Attributes:
        account: The account that owns it, 12 digits.
        region: Its region.
    """

    account: str
    region: str


def parse_host(registry: str) -> EcrHost | None:
    """Return what a canonical registry's host names; None where it is no private registry of ECR."""
    found = _PRIVATE.fullmatch(registry)
    if found is None:
        return None
    region = found["region"]
    zones = next((zones for start, zones in _ZONES.items() if region.startswith(start)), _USUAL)
    # A region in the zone of another partition is no host of ECR.
    return EcrHost(found["account"], region) if found["zone"] in zones else None


def is_ecr(registry: str) -> bool:
    """Return whether a canonical registry may see a credential of ECR."""
    return registry in PUBLIC or parse_host(registry) is not None
