"""The site of `ratify-containerd-verifier`: one path, an exit code and a text."""

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.entrypoints.node.answer import NodeAnswer, malformed
from pyratify.entrypoints.node.containerd.request import MAX_BODY, parse_question
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.serving.http.routes import Reply, Request, Site

PATH = "/v1/containerd"


@dataclass(frozen=True, slots=True)
class ContainerdHandler:
    """Answers questions of containerd.

    Attributes:
        judge: Judges the images.
    """

    judge: NodeJudge

    async def __call__(self, request: Request) -> Reply:
        """Return the exit code in one line, and then the text."""
        try:
            question = parse_question(request.body)
        except RatifyError as error:
            # Status 200 as well: what refuses is the exit code in the answer.
            return _reply(malformed(error.failure))
        return _reply(await self.judge.judge(question.reference, question.seconds))


def containerd_site(judge: NodeJudge) -> Site:
    """Return the site that answers at `--socket`."""
    return Site(routes={("POST", PATH): ContainerdHandler(judge)}, refusals={}, max_body=MAX_BODY)


def _reply(answer: NodeAnswer) -> Reply:
    return Reply(200, f"{answer.exit}\n{answer.text}\n".encode(), "text/plain; charset=utf-8")
