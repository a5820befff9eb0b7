"""Section O of the catalogue: the command's exit codes and what untrusted text can do to its output."""

import json
import os
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.render import json as as_json
from pyratify.render import text, tree
from pyratify.render.attached import render_json, render_tree
from pyratify.render.facts import render_facts
from pyratify.terminal import exits
from pyratify.testing.registry import RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
KEY = ("--key", str(MATERIAL / "keys" / "cosign.pub"))
LAYOUT = f"oci:{MATERIAL / 'layout'}"
RENDERERS = (text.render, tree.render, as_json.render, render_tree, render_json)
DIGEST = Digest.of(b"x")


def report(
    *, detail: object = None, message: str = "", artifact_type: str = "application/example"
) -> ValidationResult:
    """Return an allowed result whose every free text is the message."""
    reference = Reference.parse("registry.example.com/app:v1")
    good = VerifierResult(
        "cosign",
        Outcome.PASSED,
        Details(
            message or "good",
            signers=(message or "spki",),
            data={"detail": detail},
            warnings=(Failure(Reason.SIG_EXPIRED, message, message),),
        ),
    )
    bad = VerifierResult(
        "other", Outcome.FAILED, failure=Failure(Reason.SIG_INVALID, message or "bad", message or "fix")
    )
    artifact = ArtifactReport(
        reference.at(DIGEST),
        Descriptor("application/json", DIGEST, 1, artifact_type),
        Discovery.LAYOUT,
        (good, bad),
    )
    subject = Descriptor("application/vnd.oci.image.manifest.v1+json", DIGEST, 1)
    return ValidationResult(reference, subject, Decision.ALLOW, artifacts=(artifact,))


def ratify(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command as a process."""
    environment = {**os.environ, "XDG_CACHE_HOME": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-m", "pyratify", *arguments],
        capture_output="stdout" not in options,
        text=True,
        check=False,
        env=environment,
        **options,
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("verify", *KEY, f"{LAYOUT}:cosign-v3"), 0),
        (("verify", *KEY, f"{LAYOUT}:unsigned"), 1),
        (("verify", *KEY, f"{LAYOUT}:cosign-v3", f"{LAYOUT}:unsigned", f"{LAYOUT}:no-such-tag"), 1),
        (("verify", *KEY, f"{LAYOUT}:cosign-v3", f"{LAYOUT}:no-such-tag"), 2),
        (("verify", *KEY, "127.0.0.1:1/app:v1"), 2),
        (("verify",), 3),
        ((), 3),
        (("verify", "--no-such-flag"), 3),
    ],
)
def test_atk_255_the_exit_code_is_the_verdict(arguments: tuple[str, ...], expected: int) -> None:
    """0 means that every reference is allowed and nothing else does."""
    ran = ratify(*arguments)
    assert ran.returncode == expected
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("output", ["text", "tree", "json"])
def test_atk_255_results_that_cannot_be_written_are_no_success(output: str) -> None:
    """A full disk and a closed standard output end with 2; a reader that is gone, as `head` is, changes no verdict."""
    arguments = [
        sys.executable,
        "-m",
        "pyratify",
        "verify",
        *KEY,
        "-o",
        output,
        *([f"{LAYOUT}:cosign-v3"] * 3),
    ]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        ran = subprocess.run(arguments, stdout=gone, stderr=subprocess.PIPE, check=False)
        assert (ran.returncode, ran.stderr) == (0, b"ratify: 3 references: 3 allowed\n")
        denied = [*arguments, f"{LAYOUT}:unsigned"]
        ran = subprocess.run(denied, stdout=gone, stderr=subprocess.PIPE, check=False)
        assert (ran.returncode, b"Traceback" in ran.stderr) == (1, False)
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ran.returncode, b"Traceback" in ran.stderr) == (2, False)
    closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *arguments], stderr=subprocess.PIPE, check=False)
    assert (closed.returncode, b"Traceback" in closed.stderr) == (2, False)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let programs that a test starts be interrupted, also where the parent of the test process ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_atk_255_an_interrupted_run_is_no_success() -> None:
    """Ctrl-C while a registry does not answer ends with 130 and without a traceback."""
    with RegistrySimulator(delay=30) as registry:
        command = [sys.executable, "-m", "pyratify", "verify", *KEY, f"{registry.host}/app:v1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while not registry.hits:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, b"")
        assert err == b"ratify: interrupted: what is not printed was not decided\n"


def test_atk_255_denied_outweighs_undecided_outweighs_allowed() -> None:
    """The codes of several references combine in any order; a report without a decision is not allowed."""
    for codes, expected in (((0, 1, 2), 1), ((0, 2, 0), 2), ((2, 1), 1), ((0, 0), 0)):
        found = 0
        for code in codes:
            found = exits.combine(found, code)
        assert found == expected
    reference = Reference.parse("app")
    assert exits.of(ValidationResult(reference, None, Decision.NONE)) == 1
    failure = Failure(Reason.INTERNAL, "", "")
    assert exits.of(ValidationResult(reference, None, Decision.ALLOW, error=failure)) == 2


HOSTILE = "\x1b]0;x\x07\r\nALLOWED registry.example.com/app:v1\u202e\u2028\u0085\x9b\x00\u200b\ud800\u2066"


@pytest.mark.parametrize("render", RENDERERS)
def test_atk_256_no_text_can_steer_a_terminal(render: Callable[[ValidationResult], str]) -> None:
    """Control characters, line separators, bidirectional marks and surrogates are escaped by every renderer."""
    result = report(message=HOSTILE, artifact_type=HOSTILE)
    shown = render(result)
    allowed = {"\n", "│", "├", "└", "─"}
    assert all(
        char in allowed or (char.isprintable() and unicodedata.category(char) not in ("Cf", "Cc"))
        for char in shown
    )
    lines = len(render(report(message="good", artifact_type="good")).splitlines())
    assert len(shown.splitlines()) == lines
    shown.encode("utf-8")


def test_atk_256_facts_and_errors_are_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    """What `inspect` shows and what goes to standard error cannot steer a terminal either."""
    from pyratify.entrypoints.cli import main

    shown = render_facts({HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]})
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert main(["verify", *KEY, "bad\x1b[2J\u202ereference"]) == 3
    assert main(["verify", "--k\x1b[2Jey", "x"]) == 3
    captured = capsys.readouterr()
    assert all(char == "\n" or char.isprintable() for char in captured.out + captured.err)


@pytest.mark.parametrize("hostile", ["{0.__class__}", "%s%s%n", "{{7*7}}", "[link=x]y[/link]"])
@pytest.mark.parametrize("render", RENDERERS[:3])
def test_atk_257_text_is_never_a_format(hostile: str, render: Callable[[ValidationResult], str]) -> None:
    """Format strings, templates and markup are shown as they are."""
    assert hostile in render(report(message=hostile))
    assert hostile in render_facts({"x": hostile})


@pytest.mark.parametrize("render", RENDERERS[:3])
def test_atk_258_huge_texts_are_cut(render: Callable[[ValidationResult], str]) -> None:
    """One text has at most 1 KiB in a report, and says how much is missing."""
    shown = render(report(message="x" * 30_000_000, detail="y" * 30_000_000))
    assert len(shown) < 16 * 1024
    assert "characters left out" in shown
    json.loads(as_json.render(report(detail={str(number): "y" * 1000 for number in range(1000)})))


@pytest.mark.parametrize("render", RENDERERS[:3])
def test_atk_258_a_report_has_a_limit(render: Callable[[ValidationResult], str]) -> None:
    """A report of many artifacts ends at 256 KiB and says so; the verdict is whole."""
    one = report(message="z" * 1000)
    many = ValidationResult(one.reference, one.subject, Decision.ALLOW, artifacts=one.artifacts * 1000)
    shown = render(many)
    assert len(shown) < 300 * 1024
    assert "left out" in shown or json.loads(shown)["leftOut"] > 0
    assert "ALLOW" in shown


CYCLE: dict[str, object] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    "detail",
    [float("nan"), float("inf"), b"bytes", "\ud800", CYCLE, object(), {1: "x"}, {"x": {2}}, "x\udfff"],
    ids=["nan", "inf", "bytes", "surrogate", "cycle", "object", "number-key", "set", "low-surrogate"],
)
def test_atk_259_what_cannot_be_reported_is_not_allowed(detail: object) -> None:
    """Details that are no JSON turn the result into an error, in every renderer and in the exit code."""
    checked = report(detail=detail).checked()
    assert checked.decision is Decision.DENY
    assert checked.error is not None
    assert checked.error.reason is Reason.INTERNAL
    assert exits.of(checked) == 2
    document = json.loads(as_json.render(report(detail=detail)))
    assert (document["succeeded"], document["decision"]) == (False, "DENY")
    assert document["error"]["code"] == "INTERNAL"
    assert len(document["artifactReports"]) == 1
    for render in (text.render, tree.render):
        assert render(report(detail=detail)).startswith("ERROR")


def test_atk_259_the_verdict_in_json_is_the_decision() -> None:
    """`succeeded` is true exactly for an ALLOW without an error."""
    failure = Failure(Reason.TIMEOUT, "late", "wait")
    for decision in Decision:
        for error in (None, failure):
            result = ValidationResult(Reference.parse("app"), None, decision, error=error)
            document = json.loads(as_json.render(result))
            assert document["decision"] == decision.value
            assert document["succeeded"] is (decision is Decision.ALLOW and error is None)


def test_atk_260_files_that_are_written_replace_nothing(tmp_path: Path) -> None:
    """`config init`, the one command that writes a file, follows no link and overwrites nothing."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "ratify.yaml").symlink_to(victim)
    (tmp_path / "dangling").symlink_to(tmp_path / "new")
    for name in ("ratify.yaml", "victim", "dangling"):
        assert ratify("config", "init", str(tmp_path / name)).returncode == 3
    assert victim.read_text() == "precious"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_atk_262_completion_asks_no_registry(shell: str) -> None:
    """Completion scripts depend on no machine, and hold nothing that a registry said."""
    ran = ratify("completion", shell)
    assert ran.returncode == 0
    assert "ratify completion" in ran.stdout
    assert "discover oci" not in ran.stdout
    assert "$(ratify" not in ran.stdout.replace("<(ratify", "")
