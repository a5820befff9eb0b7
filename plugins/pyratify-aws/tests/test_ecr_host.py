"""Which hosts are Amazon ECR."""

import pytest

from pyratify_aws.ecr_host import EcrHost, is_ecr, parse_host

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("registry", "region"),
    [
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
        (f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        (f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws", "us-east-1"),
        (f"{ACCOUNT}.dkr-ecr-fips.us-east-2.on.aws", "us-east-2"),
        (f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        (f"{ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"),
        (f"{ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
        (f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
    ],
)
def test_a_private_registry_names_its_account_and_region(registry: str, region: str) -> None:
    """Plain, FIPS and dual-stack hosts of every partition."""
    assert parse_host(registry) == EcrHost(ACCOUNT, region)
    assert is_ecr(registry)


@pytest.mark.parametrize("registry", ["public.ecr.aws", "ecr-public.aws.com"])
def test_the_public_registry_has_no_account(registry: str) -> None:
    """It is ECR all the same."""
    assert parse_host(registry) is None
    assert is_ecr(registry)


@pytest.mark.parametrize(
    "registry",
    [
        "a.b.c.us-east-1.evil.example.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.evil.io",
        f"evil.{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com:444",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com\n",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.cn",
        f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.evil.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.org",
        f"{ACCOUNT}xdkr.ecr.us-east-1.amazonaws.com",
        "12345678901.dkr.ecr.us-east-1.amazonaws.com",
        "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662.dkr.ecr.us-east-1.amazonaws.com",
        "amazonaws.com",
        "evil.public.ecr.aws",
        "",
    ],
)
def test_atk_027_every_other_host_gets_nothing(registry: str) -> None:
    """Six labels with a region in the fourth are not enough."""
    assert not is_ecr(registry)
