"""The rule `schema`: the predicate follows a JSON Schema."""

from dataclasses import dataclass

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
        faults = self.schema.faults(document)
        if faults:
            raise VerificationError(
                Reason.REPORT_INVALID,
                f"the predicate of type {circumstances.predicate_type[:120]} does not follow its schema: {'; '.join(faults)}",
            )
        return Judgement()
