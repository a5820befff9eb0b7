"""Many references at once, and results that say what they are not."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.testing.registry import RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
LAYOUT = f"oci:{MATERIAL / 'layout'}"
KEY = ("--key", MATERIAL / "keys" / "cosign.pub")
CERT = ("--cert", MATERIAL / "certs" / "ca.pem", "--trusted-identity", "*")
Run = Callable[..., Any]


def test_totals_are_on_standard_error(run: Run) -> None:
    """One line for several references, none for one; results are what they were."""
    tags = ("cosign-v3", "unsigned", "no-such-tag", "cosign-v2")
    ran = run("verify", *KEY, *(f"{LAYOUT}:{tag}" for tag in tags))
    assert ran.err == "ratify: 4 references: 2 allowed, 1 denied, 1 undecided\n"
    assert run("verify", *KEY, f"{LAYOUT}:cosign-v3").err == ""


def test_only_failures_are_printed_where_only_these_are_asked_for(run: Run) -> None:
    """Totals and the exit code count the others too."""
    tags = ("cosign-v3", "unsigned", "no-such-tag", "cosign-v2")
    code, out, err = run(
        "verify", *KEY, "--only-failures", "-o", "json", *(f"{LAYOUT}:{tag}" for tag in tags)
    )
    assert code == 1
    assert [json.loads(line)["succeeded"] for line in out.splitlines()] == [False, False]
    assert "2 allowed" in err
    assert run("verify", *KEY, "--only-failures", f"{LAYOUT}:cosign-v3")[:2] == (0, "")


def test_every_bad_line_is_said_at_once(run: Run, tmp_path: Path) -> None:
    """With its number, and nothing is verified before all are right."""
    (tmp_path / "refs").write_text(f"{LAYOUT}:cosign-v3\na b\n# fine\nUPPER/x\n:::\n")
    code, out, err = run("verify", *KEY, "--from-file", "refs", "Bad Reference")
    assert (code, out) == (3, "")
    assert err.count("what to do: ") == 1
    for place in ("'Bad Reference'", "refs, line 2: ", "refs, line 4: ", "refs, line 5: "):
        assert place in err


def test_comments_may_end_a_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a space or tab; a sign inside of a word belongs to it."""
    (tmp_path / "refs").write_text(
        f"# all\n{LAYOUT}:cosign-v3 # good\n\t# none\n{LAYOUT}:cosign-v2\t#also\r\n", newline=""
    )
    assert run("verify", *KEY, "--from-file", "refs").err == "ratify: 2 references: 2 allowed\n"
    (tmp_path / "refs").write_text(f"{LAYOUT}:cosign-v3#x\n")
    assert run("verify", *KEY, "--from-file", "refs").code == 3
    stdin = io.TextIOWrapper(io.BytesIO(f"{LAYOUT}:cosign-v3 # x".encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("verify", *KEY, "--from-file", "-").code == 0


def test_the_first_line_is_enough_for_head() -> None:
    """`ratify | head -1` says nothing of a broken pipe and keeps the verdict."""
    words = [sys.executable, "-m", "pyratify", "verify", *map(str, KEY), "--no-cache"]
    words += [f"{LAYOUT}:cosign-v3"] * 5 + [f"{LAYOUT}:unsigned"] * 5
    script = '"$@" | head -1 >/dev/null; echo "${PIPESTATUS[0]}"'
    ran = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True)
    assert ran.stdout == "1\n"
    assert ran.stderr == "ratify: 10 references: 5 allowed, 5 denied\n"


def test_what_could_not_be_decided_is_no_refusal(run: Run) -> None:
    """JSON says `decided`, so that a DENY beside an error is not counted."""
    tags = {"cosign-v3": True, "unsigned": True, "no-such-tag": False}
    out = run("verify", *KEY, "-o", "json", *(f"{LAYOUT}:{tag}" for tag in tags)).out
    assert [json.loads(line)["decided"] for line in out.splitlines()] == list(tags.values())


def test_the_tree_says_what_was_not_looked_at(run: Run) -> None:
    """Because what came before was enough, or because no verifier reads the kind."""
    enough = run("verify", *KEY, "-o", "tree", f"{LAYOUT}:both").out
    assert "not looked at: 1, because what came before was enough" in enough
    other = run("verify", *KEY, "-o", "tree", f"{LAYOUT}:notation-jws-ec").out
    assert "not looked at: 1 of kinds that no verifier here reads" in other
    assert "not looked at" not in run("verify", *KEY, "-o", "tree", f"{LAYOUT}:cosign-v3").out


def test_a_registry_is_asked_again_for_the_tree_alone(run: Run) -> None:
    """The number of what was left is not worth a round trip to other outputs."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        reference = registry.reference("app", "both")
        run("verify", *KEY, "--no-cache", reference)
        before = len(registry.hits)
        out = run("verify", *KEY, "--no-cache", "-o", "tree", reference).out
        assert len(registry.hits) - before > before
    assert "ALLOWED" in out


@pytest.mark.parametrize(
    ("trust", "tag", "words"),
    [
        (KEY, "notation-jws-ec", ("a Notation signature is attached", "--cert", "--notation")),
        (CERT, "cosign-v3", ("a cosign signature is attached", "--key", "--certificate-identity")),
        (CERT, "cosign-v2", ("a cosign signature is attached", "--key")),
    ],
)
def test_a_signature_of_the_other_kind_says_which_flag_reads_it(
    trust: tuple[Any, ...], tag: str, words: tuple[str, ...], run: Run
) -> None:
    """It is still no evidence, and the remedy is not to sign again."""
    code, out, _ = run("verify", *trust, f"{LAYOUT}:{tag}")
    assert code == 1
    assert "NO_EVIDENCE" in out
    assert "Sign the image" not in out
    for word in words:
        assert word in out


def test_a_configuration_is_told_which_verifier_it_lacks(run: Run, tmp_path: Path) -> None:
    """There, flags would not help."""
    (tmp_path / "ratify.yaml").write_text(
        'executors: [{scopes: ["*"], verifiers: [{name: c, type: cosign, parameters:'
        f" {{trustPolicies: [{{keys: {{files: ['{KEY[1]}']}}}}]}}}}]}}]\n"
    )
    out = run("verify", "-c", "ratify.yaml", f"{LAYOUT}:notation-jws-ec").out
    assert "add a verifier of the type notation" in out


def test_the_notation_signer_is_named(run: Run) -> None:
    """By the subject of the certificate; in the tree with the key."""
    subject = "CN=Pyratify Test signer ec,O=Pyratify Test,ST=WA,C=US"
    assert f"signed by {subject};" in run("verify", *CERT, f"{LAYOUT}:notation-jws-ec").out
    assert f"signer: {subject} (spki:sha256:" in run("verify", *CERT, "-o", "tree", f"{LAYOUT}:both").out


@pytest.mark.parametrize("output", ["tree", "json", "text"])
def test_tags_of_cosign_are_named_by_kind(output: str, run: Run) -> None:
    """Their own type is that of an image."""
    out = run("discover", "-o", output, f"{LAYOUT}:cosign-v2").out
    assert ('"kind":"signature"' if output == "json" else "(cosign-tag): cosign signature") in out


def test_an_unknown_kind_gets_no_advice(run: Run) -> None:
    """An attachment of a kind of its own is no signature that a flag would read."""
    with RegistrySimulator() as registry:
        store = registry.repository("app")
        store.attach(store.add_image("v1"), "application/example", ("text/plain", b"x"))
        out = run("verify", *KEY, "--no-cache", "-o", "tree", registry.reference("app", "v1")).out
    assert "Sign the image" in out
    assert "not looked at: 1 of kinds that no verifier here reads" in out


async def test_what_was_passed_over_is_counted_as_far_as_it_can_be() -> None:
    """A listing that fails changes no answer, and one without end is left at the limit of referrers."""
    from pyratify.core.executor import Executor
    from pyratify.core.reference import Reference
    from pyratify.core.report import Decision, ValidationResult
    from pyratify.entrypoints.cli.engines.session import Session, everything
    from pyratify.entrypoints.cli.targets import Target
    from pyratify.testing.fakes import FakeVerifier
    from pyratify.testing.memory import MemoryStore

    store = MemoryStore()
    image = store.add_image("v1")
    for number in range(120):
        store.attach(image, "application/example", ("text/plain", str(number).encode()))
    target = Target(Reference.parse("registry.example.com/app:v1"))
    session = Session(everything(Executor(store=store, verifiers=(FakeVerifier("x"),))))
    result = ValidationResult(target.reference, image, Decision.ALLOW)
    assert (await session.count_passed_over(target, result)).passed_over == 100
    other = ValidationResult(target.reference, image, Decision.DENY)
    assert (await session.count_passed_over(target, other)).passed_over == 0
    store.manifests.clear()
    gone = Session(everything(Executor(store=Failing(), verifiers=(FakeVerifier("x"),))))  # type: ignore[arg-type]
    assert (await gone.count_passed_over(target, result)).passed_over == 0


class Failing:
    """A store whose listing fails."""

    async def referrers(self, reference: object, artifact_type: str | None = None) -> Any:
        """Fail before the first item."""
        from pyratify.core.errors import StoreError
        from pyratify.core.reason import Reason

        raise StoreError(Reason.REGISTRY_ERROR, "no listing")
        yield
