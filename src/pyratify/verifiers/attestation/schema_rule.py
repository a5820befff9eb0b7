"""The rule `schema`: the predicate follows a JSON Schema."""

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.expressions.json_schema import JsonSchema


@dataclass(frozen=True, slots=True)
class SchemaJudge:
    """Compares predicates with a schema.

    Attributes:
        schema: The schema.
    """

    schema: JsonSchema

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Compare a predicate.

        Raises:
            VerificationError: `REPORT_INVALID`.
        """
        fault = self.schema.fault(document)
        if fault is not None:
            raise VerificationError(
                Reason.REPORT_INVALID,
                f"the predicate of type {circumstances.predicate_type[:120]} does not follow its schema: {fault}",
            )
        return Judgement()
