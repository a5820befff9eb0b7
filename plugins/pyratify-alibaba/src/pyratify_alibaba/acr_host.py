"""Which hosts are Alibaba Cloud Container Registry, and what they say of the instance."""

import re
from dataclasses import dataclass

# A whole host, without a port: `NAME-registry.REGION.cr.aliyuncs.com` of an instance, `registry.REGION.aliyuncs.com` of the
# personal edition; perhaps of the international site, of a VPC, or of the distributed service. Regions begin with two letters:
# `NAME-registry.oss-cn-hangzhou.aliyuncs.com` is a bucket, whose name anyone may choose.
_HOST = re.compile(
    r"(?:(?P<name>[a-z0-9][a-z0-9-]{0,62})-)?registry(?:-intl)?(?:-vpc)?(?:-internal)?(?:\.distributed)?"
    r"\.(?P<region>[a-z]{2}(?:-[a-z0-9]+){1,3})\.(?:cr\.)?aliyuncs\.com"
)


@dataclass(frozen=True, slots=True)
class AcrHost:
    """A registry of Alibaba Cloud.

    Attributes:
        name: The instance's name; empty for the personal edition.
        region: Its region.
    """

    name: str
    region: str


def parse_host(registry: str) -> AcrHost | None:
    """Return what a canonical registry's host names; None where it is no registry of Alibaba Cloud."""
    found = _HOST.fullmatch(registry)
    return None if found is None else AcrHost(found["name"] or "", found["region"])
