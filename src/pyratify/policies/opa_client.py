"""Asks an Open Policy Agent by its Data API (OPA documentation, "REST API")."""

import json
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InconclusiveError, RatifyError
from pyratify.core.reason import Reason
from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego_answer import UNDEFINED
from pyratify.http.json_api import ApiError, JsonApi

MAX_INPUT = 4 * 1024 * 1024
_FAILED = (400, 500)
_REMEDY = "Check that OPA runs and can be reached from here, then try again."


@dataclass(frozen=True, slots=True)
class OpaClient:
    """Asks one OPA.

    Attributes:
        api: Its address.
        token: Its bearer token; empty for none.
        strict: Whether errors of built-in functions are errors; otherwise OPA takes them for undefined, and `not` of them is true.
    """

    api: JsonApi
    token: str = ""
    strict: bool = True

    async def query(self, query: str, document: dict[str, Any]) -> object:
        """Return the value of `data...` for an input; UNDEFINED where it has none.

        Raises:
            InconclusiveError: OPA cannot be reached, or failed.
            EvaluationError: The input is too large, or the policy failed.
        """
        # Before it is sent: what OPA would refuse is no fault of the network.
        size = len(json.dumps(document))
        if size > MAX_INPUT:
            raise EvaluationError(f"the input has {size} bytes, more than the {MAX_INPUT} allowed")
        target = "/v1/" + query.replace(".", "/") + ("?strict-builtin-errors=true" if self.strict else "")
        fields = (("Authorization", f"Bearer {self.token}"),) if self.token else ()
        try:
            answer = await self.api.post_json(target, {"input": document}, fields)
        except ApiError as error:
            # OPA's answers where a policy fails: a conflict, or an error of a built-in function.
            if error.status in _FAILED:
                raise EvaluationError(f"OPA could not evaluate {query}: {error}") from None
            raise InconclusiveError(
                Reason.POLICY_ERROR, f"OPA gave no answer: {error}", remedy=_REMEDY
            ) from None
        except RatifyError as error:
            raise InconclusiveError(
                Reason.POLICY_ERROR, f"OPA gave no answer: {error.message}", remedy=_REMEDY
            ) from None
        # OPA's Data API leaves `result` out where the document is undefined.
        return answer.get("result", UNDEFINED)
