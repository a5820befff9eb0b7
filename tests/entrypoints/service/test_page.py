"""The page in a real browser, served by a real process, about really signed material."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.testing.registry import RegistrySimulator
from support.browsers import Page, browsing, chromium
from support.services import MATERIAL, Running, configuration, running

TOKEN = "page-token-0123456789"
HOSTILE = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
SHOWN = "!!document.querySelector('.verdict')"
FULL = "document.querySelector('.full')?.innerText"


@asynccontextmanager
async def seen(folder: Path, *arguments: object) -> AsyncIterator[tuple[Running, Page]]:
    """Serve and browse."""
    chromium()
    profile = folder / "profile"
    profile.mkdir()
    config = folder / "config.json"
    given = ("--config", config if config.exists() else configuration(folder), *arguments)
    async with running(folder, *given) as one, browsing(profile) as page:
        await page.dress(dark=False)
        yield one, page
        assert page.faults == []


async def ask(one: Running, *references: str) -> None:
    """Let these references be decided, one after another."""
    async with aiohttp.ClientSession(one.url) as client:
        for reference in references:
            async with client.post("/v1/verify", json={"reference": reference}) as answer:
                assert answer.status == 200


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry on loopback that holds the material as the repository `app`."""
    with RegistrySimulator() as simulator:
        simulator.load_layout(MATERIAL / "layout", "app")
        yield simulator


async def test_a_reference_is_verified_with_the_keyboard_alone(
    tmp_path: Path, registry: RegistrySimulator
) -> None:
    """From the first key to the verdict, its tree and its facts; what is said aloud is the verdict."""
    async with seen(tmp_path) as (one, page):
        await page.open(f"{one.url}/")
        await page.until("document.querySelector('#pulse').dataset.state === 'live'")
        await page.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        while await page.evaluate("document.activeElement.id") != "reference":
            await page.press("Tab")
        await page.type(f"{registry.host}/app:both")
        await page.press("Enter")
        await page.until(SHOWN)
        assert "Allowed" in await page.text(".word")
        assert await page.text(".full") == f"{registry.host}/app:both"
        assert await page.text(".artifact .type") == "application/vnd.dev.sigstore.bundle.v0.3+json"
        assert "cosign-1" in await page.text(".result .by")
        assert (
            await page.evaluate("document.querySelector('#said').textContent")
            == f"Allowed: {registry.host}/app:both"
        )
        while await page.evaluate("document.activeElement.textContent") != "Facts":
            await page.press("Tab")
        await page.press("Enter")
        assert "sigstore-bundle" in await page.text(".facts dl")
        assert page.faults == []


async def test_a_denial_is_explained_with_every_signature(
    tmp_path: Path, registry: RegistrySimulator
) -> None:
    """Three signatures of another image: each with its verifier, its code, and what to do."""
    async with seen(tmp_path) as (one, page):
        await ask(one, f"{registry.host}/app:replayed")
        await page.open(f"{one.url}/")
        await page.until(SHOWN)
        assert "Denied" in await page.text(".word")
        tree = await page.text(".tree")
        assert await page.evaluate("document.querySelectorAll('.tree > li').length") == 3
        assert tree.count("PAYLOAD_SUBJECT_MISMATCH") == 3
        assert tree.count("What to do") == 3
        assert {"cosign-1", "notation-1"} <= set(tree.split())
        assert "POLICY_UNSATISFIED" in await page.text("#detail > .because")


async def test_decisions_are_filtered_and_walked_through(tmp_path: Path, registry: RegistrySimulator) -> None:
    """By verdict, by text, with the arrow keys; what is new appears by itself."""
    tags = ("cosign-v3", "unsigned", "wrong-key", "no-such-tag")
    async with seen(tmp_path) as (one, page):
        await page.open(f"{one.url}/")
        await page.until("document.querySelector('#empty').innerText.startsWith('Nothing')")
        await ask(one, *(f"{registry.host}/app:{tag}" for tag in tags))
        await page.until("document.querySelectorAll('#list li').length === 4")
        counts = "[...document.querySelectorAll('[data-count]')].map((each) => each.textContent).join(' ')"
        assert await page.evaluate(counts) == "4 1 2 1"
        visible = "[...document.querySelectorAll('#list li:not([hidden]) .what b')].map((each) => each.innerText).join(' ')"
        assert await page.evaluate(visible) == "app:no-such-tag app:wrong-key app:unsigned app:cosign-v3"
        await page.evaluate("document.querySelector('[value=denied]').click()")
        assert await page.evaluate(visible) == "app:wrong-key app:unsigned"
        await page.evaluate("document.querySelector('#find').focus()")
        await page.type("no_evidence APP")
        assert await page.evaluate(visible) == "app:unsigned"
        await page.evaluate("document.querySelector('[value=allowed]').click()")
        assert await page.text("#empty") == "No decision is like that."
        await page.evaluate(
            "document.querySelector('[value=all]').click(); document.querySelector('#find').value = '';"
            "document.querySelector('#find').dispatchEvent(new Event('input'))"
        )
        await page.evaluate("document.querySelector('#list button').focus()")
        await page.press("ArrowDown", "ArrowDown", "Enter")
        await page.until(f"{FULL}.endsWith(':unsigned')")
        await page.press("End", "ArrowDown", "ArrowUp", "Home", "ArrowUp", "Enter")
        await page.until(f"{FULL}.endsWith(':no-such-tag')")
        assert "Undecided" in await page.text(".word")
        assert await page.evaluate("document.querySelectorAll('[aria-current]').length") == 1
        link = await page.evaluate("location.href")
        await ask(one, f"{registry.host}/app:both")
        await page.until("document.querySelectorAll('#list li').length === 5")
        assert (await page.text(".full")).endswith(":no-such-tag")
        await page.open("about:blank")
        await page.open(link)
        await page.until(f"{FULL}?.endsWith(':no-such-tag')")


async def test_text_of_others_stays_text(tmp_path: Path) -> None:
    """In types, annotations that were really signed, references and namespaces: no element, no script, no dialog."""
    key = CosignKey.generate()
    (tmp_path / "cosign.pub").write_bytes(key.pem)
    path = configuration(tmp_path)
    path.write_text(
        path.read_text().replace(str(MATERIAL / "keys" / "cosign.pub"), str(tmp_path / "cosign.pub"))
    )
    with RegistrySimulator() as registry:
        store = registry.repository("app")
        image = store.add_image("v1")
        store.attach(image, HOSTILE, annotations={HOSTILE: HOSTILE})
        signed = statement(image.digest, annotations={HOSTILE: HOSTILE})
        attach_bundle(store, image, sign_statement(key, signed))
        async with seen(tmp_path) as (one, page):
            # Asked first: a page that was opened before chooses no decision by itself.
            await ask(one, HOSTILE, f"{registry.host}/app:v1")
            await page.open(f"{one.url}/")
            await page.until(SHOWN)
            await page.until("document.querySelectorAll('#list li').length === 2")
            for word in ("v1", "onerror"):
                await page.evaluate(
                    f"[...document.querySelectorAll('#list button')].find((b) => b.innerText.includes('{word}')).click()"
                )
                await page.until(f"{FULL}.includes('{word}')")
                await page.evaluate(
                    "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
                )
                text = await page.evaluate("document.querySelector('#detail').innerText")
                assert "<img src=x onerror=" in text
                assert text.count("onerror") > 1
            assert await page.evaluate("document.querySelectorAll('img').length") == 1
            assert await page.evaluate("document.querySelectorAll('script').length") == 1
            assert await page.evaluate("typeof window.owned") == "undefined"


async def test_what_is_attached_to_evidence_stands_below_it(tmp_path: Path) -> None:
    """A signature that is signed itself, which the policy asks for: the tree is nested as the graph is."""
    key = CosignKey.generate()
    (tmp_path / "cosign.pub").write_bytes(key.pem)
    path = configuration(tmp_path)
    text = path.read_text().replace(str(MATERIAL / "keys" / "cosign.pub"), str(tmp_path / "cosign.pub"))
    rule = '{"verifierName": "cosign-1"}'
    nested = f'{rule[:-1]}, "rules": [{rule}]}}'
    path.write_text(text.replace(f"{rule}, ", f"{nested}, "))
    with RegistrySimulator() as registry:
        store = registry.repository("app")
        image = store.add_image("v1")
        first = attach_bundle(store, image, sign_statement(key, statement(image.digest)))
        second = attach_bundle(store, first, sign_statement(key, statement(first.digest)))
        async with seen(tmp_path) as (one, page):
            await ask(one, f"{registry.host}/app:v1")
            await page.open(f"{one.url}/")
            await page.until(SHOWN)
            assert "Allowed" in await page.text(".word")
            titles = "[...document.querySelectorAll('.tree .tree .artifact code.dim')].map((each) => each.title).join()"
            assert await page.evaluate(titles) == second.digest


async def test_the_page_itself_cannot_make_markup_of_text(tmp_path: Path) -> None:
    """Its policy forbids inline scripts, other hosts, frames, forms that leave, and text that becomes markup."""
    async with seen(tmp_path) as (one, page):
        await page.open(f"{one.url}/")
        await page.until("document.querySelector('#pulse').dataset.state === 'live'")
        with pytest.raises(RuntimeError, match="TrustedHTML"):
            await page.evaluate("document.body.innerHTML = '<b>x</b>'")
        with pytest.raises(RuntimeError, match="TrustedScript"):
            await page.evaluate("document.createElement('script').textContent = '1'")
        with pytest.raises(RuntimeError, match="TrustedScript"):
            await page.evaluate("document.body.setAttribute('onclick', '1')")
        elsewhere = one.url.replace("127.0.0.1", "localhost")
        assert await page.evaluate(f"fetch('{elsewhere}/page.css').catch(() => 'blocked')") == "blocked"
        page.faults.clear()


async def test_a_token_is_asked_for_and_stays_in_memory(tmp_path: Path, registry: RegistrySimulator) -> None:
    """A wrong one is refused with a sentence; the right one is in no storage, cookie or address, and can be forgotten."""
    (tmp_path / "tokens").write_text(TOKEN)
    asked = "document.querySelector('#ask').open"
    async with seen(tmp_path, "--token-file", tmp_path / "tokens") as (one, page):
        await page.open(f"{one.url}/")
        await page.until(asked)
        assert await page.evaluate("document.activeElement.id") == "token"
        await page.press("Escape")
        assert await page.evaluate(asked)
        await page.type("wrong-token-0123456789")
        await page.press("Enter")
        await page.until("document.querySelector('#ask-message').innerText.includes('not accepted')")
        await page.type(TOKEN)
        await page.press("Enter")
        await page.until("document.querySelector('#pulse').dataset.state === 'live'")
        await page.evaluate("document.querySelector('#reference').focus()")
        await page.type(f"{registry.host}/app:cosign-v2")
        await page.press("Enter")
        await page.until(SHOWN)
        places = "JSON.stringify([document.cookie, location.href, {...localStorage}, {...sessionStorage}, document.documentElement.outerHTML])"
        assert TOKEN not in await page.evaluate(places)
        await page.evaluate("document.querySelector('#forget').click()")
        await page.until(asked)
        assert await page.evaluate("document.querySelectorAll('#list li').length") == 0
        assert [fault for fault in page.faults if "401" not in fault] == []
        page.faults.clear()  # the console reports every 401
    assert not [line for line in one.log if TOKEN in line]


async def test_pages_of_others_learn_and_move_nothing(tmp_path: Path) -> None:
    """A name that was rebound to this address is not served, and another origin can neither read nor ask."""
    async with seen(tmp_path) as (one, page):
        port = one.url.rpartition(":")[2]
        await page.open(f"http://evil.example:{port}/")
        await page.until("document.body.innerText.includes('HOST_UNKNOWN')")
        fetching = (
            "fetch('{url}', {options}).then((answer) => answer.type + answer.status, (error) => 'blocked')"
        )
        url = f"{one.url}/v1/decisions"
        assert await page.evaluate(fetching.format(url=url, options="{}")) == "blocked"
        simple = "{method: 'POST', mode: 'no-cors', body: '{\"reference\": \"example.com/a\"}'}"
        await page.evaluate(fetching.format(url=f"{one.url}/v1/verify", options=simple))
        async with aiohttp.ClientSession(one.url) as client, client.get("/v1/decisions") as answer:
            assert (await answer.json())["decisions"] == []
        page.faults.clear()  # the console reports what was refused


CONTRAST = """(() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const over = (top, under) => Object.fromEntries(["r", "g", "b"].map((c) => [c, top[c] * top.a + under[c] * (1 - top.a)]));
  const light = ({ r, g, b }) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
  const chain = (element) => (element ? [...chain(element.parentElement), element] : []);
  const low = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".unseen, .skip, script, noscript")) continue;
    let under = { r: 255, g: 255, b: 255 }, opacity = 1;
    for (const each of chain(element)) {
      const style = getComputedStyle(each);
      under = over(parse(style.backgroundColor), under);
      opacity *= Number(style.opacity);
    }
    const ink = parse(getComputedStyle(element).color);
    const [a, b] = [light(over({ ...ink, a: ink.a * opacity }, under)), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName}.${element.className} ${element.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return low.join("\\n");
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_everything_can_be_read_and_has_a_name(
    tmp_path: Path, registry: RegistrySimulator, dark: bool
) -> None:
    """Text has a contrast of 4.5 in both schemes (WCAG 1.4.3), every control a name, every region a label."""
    async with seen(tmp_path) as (one, page):
        await page.dress(dark=dark)
        await ask(
            one, *(f"{registry.host}/app:{tag}" for tag in ("no-such-tag", "replayed", "unsigned", "both"))
        )
        await page.open(f"{one.url}/")
        await page.until(SHOWN)
        for word in ("no-such-tag", "replayed", "both"):
            await page.evaluate(
                f"[...document.querySelectorAll('#list button')].find((b) => b.innerText.includes('{word}')).click()"
            )
            await page.until(f"{FULL}.includes('{word}')")
            await page.evaluate(
                "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
            )
            assert await page.evaluate(CONTRAST) == ""
        nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        roles = {
            "button",
            "textbox",
            "searchbox",
            "radio",
            "main",
            "region",
            "list",
            "link",
            "search",
            "form",
        }
        found = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]
        unnamed = [role for role, name in found if role in roles - {"main", "list"} and not name]
        assert unnamed == []
        assert {"banner", "main", "contentinfo", "region", "search", "heading"} <= {role for role, _ in found}


async def test_on_a_narrow_screen_nothing_hangs_over(tmp_path: Path, registry: RegistrySimulator) -> None:
    """The page is never wider than the screen, whatever is shown."""
    async with seen(tmp_path) as (one, page):
        await page.dress(dark=False, width=360, height=740)
        await ask(one, f"{registry.host}/app:both", f"{registry.host}/app:replayed")
        await page.open(f"{one.url}/")
        await page.until(SHOWN)
        await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
