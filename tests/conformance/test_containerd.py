"""Containerd's own cases of image verifiers (pkg/imageverifier/bindir): arguments, standard input, exit codes, bounds of output."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.answer import NodeAnswer
from pyratify.entrypoints.node.containerd.containerd_names import BIN_DIR
from pyratify.entrypoints.node.containerd.containerd_settings import read_settings
from pyratify.entrypoints.node.containerd.request import judged
from pyratify.serving.http.routes import Reply, Request, Site
from pyratify.testing.memory import MemoryStore
from support.nodes import judge, run, served, written


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Any]:
    """The cases, as they were written down from containerd's sources and tests."""
    found: dict[str, Any] = json.loads((shared / "containerd" / "bindir_cases.json").read_text())
    return found


def answering(answer: NodeAnswer) -> Site:
    """Return a site that gives one answer."""

    async def reply(request: Request) -> Reply:
        return Reply(200, f"{answer.exit}\n{answer.text}\n".encode(), "text/plain")

    return Site(routes={("POST", "/v1/containerd"): reply}, refusals={})


def test_the_arguments_of_containerd_are_understood(cases: dict[str, Any]) -> None:
    """Its name, digest and descriptor are one image."""
    _, name, _, digest, _, media_type = cases["argv"]
    reference = judged(name, digest, media_type, cases["stdin"].encode())
    assert reference == Reference.parse(f"{name}@{digest}")


def test_the_defaults_are_containerds(cases: dict[str, Any], tmp_path: Path) -> None:
    """A check that took others for granted would look in the wrong place."""
    settings = read_settings(tmp_path / "absent.toml", tmp_path)
    assert str(settings.bin_dir) == BIN_DIR
    assert settings.seconds == cases["default_timeout_s"]
    assert settings.max_verifiers == cases["default_max_verifiers"]


async def test_each_exit_code_is_what_containerd_takes_it_for(cases: dict[str, Any], tmp_path: Path) -> None:
    """0 allows, anything else refuses; several lines are kept, and the output stays below containerd's bound."""
    path = written(tmp_path, tmp_path / "node.sock")
    for code, text in ((0, "one\ntwo"), (1, "one\ntwo"), (2, "x" * 4096)):
        async with served(tmp_path / "node.sock", answering(NodeAnswer(code, "", text))):
            found, out, err = await run(path, cases["argv"], cases["stdin"].encode())
        assert (found, out.strip(), err) == (code, text, "")
        assert len(out) < cases["output_limit_bytes"]
        allows = [each["allow"] for each in cases["judgement"] if each["exit"] == min(code, 1)]
        assert allows == [found == 0]


async def test_a_large_descriptor_is_no_reason_to_refuse(cases: dict[str, Any], tmp_path: Path) -> None:
    """128 KiB on standard input: our program reads all of it, and still ends with 0."""
    store = MemoryStore()
    subject: Descriptor = store.add_image()
    store.attach(subject, "application/test")
    document = {
        **json.loads(cases["stdin"]),
        "digest": str(subject.digest),
        "annotations": {"a": "b" * 131072},
    }
    argv = [*cases["argv"][:3], str(Digest(subject.digest)), *cases["argv"][4:]]
    path = written(tmp_path, tmp_path / "node.sock")
    async with served(tmp_path / "node.sock", judge(store)):
        code, _, _ = await run(path, argv, json.dumps(document).encode())
    assert code == 0
