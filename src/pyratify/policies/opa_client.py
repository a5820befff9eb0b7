"""Asks an Open Policy Agent by its Data API (OPA documentation, "REST API")."""

import json
from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InconclusiveError, RatifyError
from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.core.text import clean
from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego.answer import UNDEFINED
from pyratify.http.json_api import ApiError, JsonApi

MAX_INPUT = 4 * 1024 * 1024
_FAILED = (400, 500)
_MAX_SAID = 300
_REMEDIES = {
    401: "Give the token that OPA accepts as opa.token.",
    403: "Let OPA's own authorization policy allow the query, or give another opa.token.",
    404: "Check that the address is OPA's, and not that of a proxy.",
}
_REMEDY = "Check that OPA runs and can be reached from here, then try again."


@dataclass(frozen=True, slots=True)
class OpaClient:
    """Asks one OPA.

    Attributes:
        api: Its address.
        place: Its socket, for messages; empty where its address is in them.
        token: Its bearer token; empty for none.
        strict: Whether errors of built-in functions are errors; otherwise OPA takes them for undefined, and `not` of them is true.
    """

    api: JsonApi
    place: str = ""
    token: str = ""
    strict: bool = True

    async def query(self, query: str, document: dict[str, Any]) -> object:
        """Return the value of `data...` for an input; UNDEFINED where it has none.

        Raises:
            InconclusiveError: OPA cannot be reached, or failed.
            EvaluationError: The input is too large, or the policy failed.
        """
        # Before it is sent: what OPA would refuse is no fault of the network.
        data = json.dumps(document).encode()
        if len(data) > MAX_INPUT:
            raise EvaluationError(f"the input has {len(data)} bytes, more than the {MAX_INPUT} allowed")
        target = "/v1/" + query.replace(".", "/") + ("?strict-builtin-errors=true" if self.strict else "")
        fields = (("Authorization", f"Bearer {self.token}"),) if self.token else ()
        try:
            answer = await self.api.post_encoded(target, b'{"input": %b}' % data, fields)
        except ApiError as error:
            # OPA's own answers where a policy fails: a conflict, or an error of a built-in function. Those of a proxy are no answer.
            if error.status in _FAILED and error.said:
                raise EvaluationError(f"OPA could not evaluate {query}: {error.said}") from None
            # Named: servers show the remedy without the message, which may tell of the network.
            other = f"OPA: {error.remedy}" if error.remedy else ""
            raise self._no_answer(f"{error}", _REMEDIES.get(error.status) or other) from None
        except RatifyError as error:
            raise self._no_answer(error.message, "") from None
        # OPA's Data API leaves `result` out where the document is undefined.
        return answer.get("result", UNDEFINED)

    def _no_answer(self, why: str, remedy: str) -> InconclusiveError:
        where = f" at {self.place}" if self.place else ""
        return InconclusiveError(
            Reason.POLICY_ERROR, f"OPA{where} gave no answer: {why}", remedy=remedy or _REMEDY
        )


def opa_error(body: bytes) -> str:
    """Return what OPA says of a failure (OPA documentation, "Errors"); empty where the body is none of OPA's."""
    try:
        document = load_object(body, what="answer")
    except InvalidJson:
        return ""
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else document
    if not isinstance(first, Mapping) or not isinstance(document.get("code"), str):
        return ""
    said = ": ".join(str(first[name]) for name in ("code", "message") if first.get(name))
    location = first.get("location")
    if isinstance(location, Mapping):
        said += f" ({location.get('file')}:{location.get('row')})"
    return clean(said, _MAX_SAID)
