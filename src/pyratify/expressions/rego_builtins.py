"""Built-in functions of Rego that the embedded engine evaluates otherwise than OPA: those that are refused, and those whose arguments are checked.

What is in neither table gives the same results in both, for what a generator of odd arguments could find (`tests/interop/test_rego_builtins.py`).
"""

from collections.abc import Mapping
from types import MappingProxyType

_OUT = "reaches out of the policy"
_DIFFERS = "gives other results here than in OPA"
_CHANCE = "gives another result each time"
_DIFFERENT = """
base64.is_valid bits.lsh bits.rsh future.keywords.not glob.quote_meta
json.filter json.is_valid json.marshal_with_options json.match_schema json.remove json.verify_schema net.cidr_expand object.subset
regex.is_valid regex.split regex.template_match rego.parse_module semver.is_valid strings.count strings.replace_n time.add_date
time.format time.parse_ns units.parse units.parse_bytes urlquery.decode urlquery.decode_object urlquery.encode urlquery.encode_object
uuid.parse yaml.is_valid yaml.marshal yaml.unmarshal
"""
_ABSENT = {
    "array": "flatten",
    "crypto.hmac": "equal md5 sha1 sha256 sha512",
    "crypto": "md5 parse_private_keys sha1 sha256",
    "crypto.x509": "parse_and_verify_certificates parse_and_verify_certificates_with_options parse_certificate_request parse_certificates parse_keypair parse_rsa_private_key",
    "graphql": "is_valid parse parse_and_verify parse_query parse_schema schema_is_valid",
    "io.jwt": "decode decode_verify encode_sign encode_sign_raw verify_eddsa verify_es256 verify_es384 verify_es512 verify_hs256 verify_hs384 verify_hs512 verify_ps256 verify_ps384 verify_ps512 verify_rs256 verify_rs384 verify_rs512",
    "net": "cidr_contains_matches cidr_intersects cidr_merge cidr_overlap",
    "providers.aws": "sign_req",
    "regex": "globs_match",
    "rego.metadata": "chain rule",
    "strings": "render_template",
    "uri": "is_valid parse",
}
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("http.send", "opa.runtime", "net.lookup_ip_addr"), _OUT),
        **dict.fromkeys(("rand.intn", "uuid.rfc4122"), _CHANCE),
        **dict.fromkeys(_DIFFERENT.split(), _DIFFERS),
    }
)
"""What each refused function would do; the message names it."""

MISSING = frozenset(f"{family}.{name}" for family, names in _ABSENT.items() for name in names.split())
"""Functions of OPA that the engine does not have: a call would be an error of each evaluation."""

_SLICE = (None, "integer", "integer")
CHECKED: Mapping[str, tuple[str | None, ...]] = MappingProxyType(
    {
        "array.slice": _SLICE,
        "base64.decode": ("encoded",),
        "base64url.decode": ("encoded",),
        **dict.fromkeys(("bits.and", "bits.or", "bits.xor"), ("integer", "integer")),
        "bits.negate": ("integer",),
        "ceil": ("countable",),
        "floor": ("countable",),
        "format_int": ("integer",),
        "indexof": (None, "filled"),
        "indexof_n": (None, "filled"),
        "json.unmarshal": ("json",),
        "lower": ("cased",),
        "min": ("comparable",),
        "net.cidr_contains": ("network", "network"),
        "net.cidr_is_valid": ("network",),
        "product": ("operands",),
        "regex.find_all_string_submatch_n": ("pattern", None, "integer"),
        "regex.find_n": ("pattern", None, "integer"),
        "regex.match": ("pattern",),
        "regex.replace": (None, "pattern", "template"),
        "replace": (None, "filled"),
        "round": ("countable",),
        "semver.compare": ("semver", "semver"),
        "substring": _SLICE,
        "sum": ("operands",),
        "time.diff": ("integer", "integer"),
        "time.parse_rfc3339_ns": ("time",),
        "to_number": ("number",),
        "upper": ("cased",),
    }
)
"""The checks of `rego_checks.py` for the arguments of a function, in their order."""
