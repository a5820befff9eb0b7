"""The site of the Docker daemon's authorization plugin (docs.docker.com/engine/extend/plugins_authorization)."""

import json
import logging
from functools import partial

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.entrypoints.node.answer import NodeAnswer, malformed
from pyratify.entrypoints.node.docker.authz_request import MAX_BODY, parse_request
from pyratify.entrypoints.node.docker.docker_judge import DockerJudge
from pyratify.serving.http.routes import Rejection, Reply, Request, Site

_LOG = logging.getLogger("pyratify.node")
_TYPE = "application/vnd.docker.plugins.v1.2+json"


@dataclass(frozen=True, slots=True)
class AuthorizationHandler:
    """Answers whether the daemon may do what a client asked it for.

    Attributes:
        judge: Judges the requests.
    """

    judge: DockerJudge

    async def __call__(self, request: Request) -> Reply:
        """Return the decision; a refusal shows in the terminal of the client's user."""
        try:
            asked = await self.judge.parsing.parse(parse_request, request.body)
        except RatifyError as error:
            return _decided(malformed(error.failure))
        answer = await self.judge.decide(asked)
        if answer is not None:
            # The path alone: build arguments stand in the query, and may be secrets.
            extra = {"path": asked.target.path, "code": answer.code, "decision": answer.decision}
            _LOG.info("refused a request to the Docker daemon", extra=extra)
        return _decided(answer)


def docker_site(judge: DockerJudge) -> Site:
    """Return the site that answers at `--docker`."""
    return Site(
        routes={
            # Docker's plugin API, Handshake: the first request, which says what a plugin implements.
            ("POST", "/Plugin.Activate"): partial(_always, _reply({"Implements": ["authz"]})),
            ("POST", "/AuthZPlugin.AuthZReq"): AuthorizationHandler(judge),
            # What the daemon has done by then cannot be taken back.
            ("POST", "/AuthZPlugin.AuthZRes"): partial(_always, _decided(None)),
        },
        refusals={},
        otherwise=_rejected,
        max_body=MAX_BODY,
    )


async def _always(reply: Reply, request: Request) -> Reply:
    del request
    return reply


def _decided(refusal: NodeAnswer | None) -> Reply:
    if refusal is None:
        return _reply({"Allow": True, "Msg": "", "Err": ""})
    # Clients show Msg behind "authorization denied by plugin" (moby, pkg/authorization).
    return _reply({"Allow": False, "Msg": refusal.text, "Err": ""})


def _rejected(rejection: Rejection) -> Reply:
    # The daemon refuses whatever it asked about, and shows Err (moby, pkg/plugins/client.go).
    return _reply({"Err": f"{rejection.code}: {rejection.message}"}, rejection.status)


def _reply(document: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode("ascii"), _TYPE)
