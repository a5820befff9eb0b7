"""Rules whose libraries are not installed."""

import subprocess
import sys

import pytest

ABSENT = """
import sys
sys.modules[{module!r}] = None
from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError
from pyratify.evidence.sbom.sbom_options import SbomRuleOptions, sbom_rules
try:
    sbom_rules(decode(SbomRuleOptions, {parameters!r}))
    print("made")
except ConfigurationError as error:
    print(error.path, error.remedy)
"""


@pytest.mark.parametrize(
    ("module", "parameters", "said"),
    [
        (
            "license_expression",
            {"deniedLicenses": ["MIT"]},
            "licenseMatch pip install 'pyratify[sbom]', or set licenseMatch to mention.",
        ),
        ("license_expression", {"deniedLicenses": ["MIT"], "licenseMatch": "mention"}, "made"),
        ("license_expression", {"deniedPackages": [{"name": "a", "version": "1"}]}, "made"),
        (
            "packageurl",
            {"deniedPackages": [{"purl": "pkg:npm/a"}]},
            "deniedPackages[0].purl pip install 'pyratify[sbom]'",
        ),
        ("packageurl", {"deniedPackages": [{"name": "a"}]}, "made"),
        (
            "univers.version_range",
            {"deniedPackages": [{"name": "a", "versions": "vers:npm/<1"}]},
            "deniedPackages[0].versions pip install 'pyratify[versions]'",
        ),
    ],
)
def test_a_rule_whose_library_is_missing_says_what_to_install(
    module: str, parameters: dict[str, object], said: str
) -> None:
    """And rules that need none are made without it."""
    program = ABSENT.format(module=module, parameters=parameters)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == said
