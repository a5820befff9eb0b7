"""Built-in functions of Rego, as the embedded engine evaluates them otherwise than OPA or alike: which are refused, whose arguments are checked, and which are the same.

A generator of odd arguments says which (`tests/interop/test_rego_builtins.py`).
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
_SAME = """
abs array.concat array.reverse base64.encode base64url.encode base64url.encode_no_pad concat contains endswith graph.reachable
graph.reachable_paths hex.decode hex.encode intersection is_array is_boolean is_null is_number is_object is_set is_string json.patch
max numbers.range numbers.range_step object.filter object.get object.keys object.remove object.union object.union_n print sort split
startswith strings.any_prefix_match strings.any_suffix_match strings.reverse time.clock time.date time.now_ns time.parse_duration_ns
time.weekday trace trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union walk
"""
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("http.send", "opa.runtime", "net.lookup_ip_addr"), _OUT),
        **dict.fromkeys(("rand.intn", "uuid.rfc4122"), _CHANCE),
        **dict.fromkeys(_DIFFERENT.split(), _DIFFERS),
    }
)
"""What each refused function would do; the message names it."""

INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "base64.is_valid": "base64.decode, which is an error for what is invalid",
        "json.filter": "object.filter",
        "json.is_valid": "json.unmarshal, which is an error for what is invalid",
        "json.remove": "object.remove",
        "object.subset": "every key, value in part { whole[key] == value }",
        "regex.split": "split with a text",
        "semver.is_valid": "regex.match with the form that is meant",
        "time.add_date": "a sum of nanoseconds",
        "time.parse_ns": "time.parse_rfc3339_ns",
    }
)
"""What a refused function can be replaced by."""
SAME = frozenset(_SAME.split())
"""Functions that give what they give in OPA, for all arguments. What is in no table is refused: another build of the engine may have more."""

REWRITTEN: Mapping[str, int] = MappingProxyType(
    {"count": 1, "glob.match": 3, "json.marshal": 1, "sprintf": 2}
)
"""Functions whose calls are rewritten by more than checks, and how many arguments each has."""

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
"""The checks of `checks.py` for the arguments of a function, in their order."""
