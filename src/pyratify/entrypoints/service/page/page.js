// The page of `ratify service serve`. Everything that comes from outside becomes text and never markup.

const SECONDS = 3;
const $ = (id) => document.getElementById(id);
const WORDS = { allowed: "Allowed", denied: "Denied", undecided: "Undecided", report: "Report" };
const MARKS = { allowed: "✓", denied: "✕", undecided: "?", report: "i", PASSED: "✓", FAILED: "✕", INCONCLUSIVE: "?" };
const OUTCOMES = { PASSED: "allowed", FAILED: "denied", INCONCLUSIVE: "undecided" };

const state = {
  token: "", tag: "", paused: false, chosen: "", seen: 0, show: "all", find: "",
  decisions: [], rows: new Map(), began: false,
};

/** Make an element: attributes by name, children are elements or texts; nothing is ever parsed. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") Object.entries(value).forEach(([event, act]) => element.addEventListener(event, act));
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// --- asking ------------------------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || `The service answered ${status}.`);
    this.status = status;
    this.code = problem.code || "";
    this.remedy = problem.remedy || "";
  }
}

/** Ask the service; who has no accepted token is asked for one, once for all questions that wait. */
async function ask(path, options = {}) {
  for (;;) {
    const token = state.token;
    const headers = { ...options.headers };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" });
    if (answer.ok || answer.status === 304) return answer;
    const problem = await answer.json().catch(() => ({}));
    if (answer.status !== 401) throw new Refused(answer.status, problem);
    if (token === state.token) await askForToken(token !== "");
  }
}

let asking = null;

function askForToken(wrong) {
  state.token = "";
  $("forget").hidden = true;
  if (wrong || !asking) $("ask-message").textContent = wrong ? "This token is not accepted. Check that all of it was pasted, or ask for the current one." : "";
  pulse("waiting", "Token needed");
  asking ??= new Promise((done) => {
    $("ask").showModal();
    $("token").value = "";
    $("token").focus();
    $("ask-form").onsubmit = (event) => {
      event.preventDefault();
      state.token = $("token").value.trim();
      $("token").value = "";
      $("forget").hidden = false;
      $("ask").close();
      asking = null;
      done();
    };
  });
  return asking;
}

async function refresh() {
  const headers = state.tag ? { "If-None-Match": state.tag } : {};
  const answer = await ask("v1/decisions", { headers });
  if (answer.status === 200) {
    state.tag = answer.headers.get("ETag") || "";
    take((await answer.json()).decisions);
  }
  pulse(state.paused ? "paused" : "live", state.paused ? "Paused" : "Live");
}

async function follow() {
  for (;;) {
    if (!state.paused && !document.hidden) {
      try {
        await refresh();
      } catch (error) {
        pulse("lost", error instanceof Refused ? error.message : "The service cannot be reached");
      }
      ages();
    }
    await new Promise((done) => setTimeout(done, SECONDS * 1000));
  }
}

function pulse(kind, text) {
  $("pulse").dataset.state = kind;
  if ($("pulse-text").textContent !== text) $("pulse-text").textContent = text;
}

const say = (text) => { $("said").textContent = text; };

// --- the list ----------------------------------------------------------------------------------------------------------

function kind(decision) {
  if (!decision.decided) return "undecided";
  if (decision.succeeded) return "allowed";
  return decision.decision === "NONE" ? "report" : "denied";
}

function take(decisions) {
  const known = new Set(state.decisions.map((decision) => decision.id));
  const fresh = decisions.filter((decision) => !known.has(decision.id)).length;
  state.decisions = decisions;
  drawList();
  if (fresh && state.began) say(fresh === 1 ? `New decision: ${told(decisions[0])}` : `${fresh} new decisions`);
  if (!state.began) {
    state.began = true;
    const wanted = decodeURIComponent(location.hash.slice(1));
    const first = decisions.find((decision) => decision.id === wanted) || decisions[0];
    if (first) choose(first.id);
  }
}

const told = (decision) => `${WORDS[kind(decision)]}: ${decision.reference}`;

function drawList() {
  const list = $("list");
  const ids = new Set(state.decisions.map((decision) => decision.id));
  for (const [id, row] of state.rows) {
    if (!ids.has(id)) {
      row.remove();
      state.rows.delete(id);
    }
  }
  let place = list.firstElementChild;
  for (const decision of state.decisions) {
    let row = state.rows.get(decision.id);
    if (!row) {
      row = drawRow(decision);
      state.rows.set(decision.id, row);
      list.insertBefore(row, place);
    } else if (row === place) {
      place = place.nextElementSibling;
    } else {
      list.insertBefore(row, place);
    }
  }
  filter();
  ages();
}

function drawRow(decision) {
  const is = kind(decision);
  const why = [decision.why, decision.code && make("code", {}, decision.code)].filter(Boolean);
  return make("li", { "data-kind": is },
    make("button", { type: "button", "data-id": decision.id, on: { click: () => choose(decision.id) } },
      pill(is, WORDS[is]),
      make("span", { class: "what" }, ...reference(decision.reference)),
      make("span", { class: "why" }, why.length ? why.flatMap((part, index) => index ? [" ", part] : [part]) : "every requirement is met"),
      make("span", { class: "when" },
        decision.namespace && make("span", { class: "tenant" }, decision.namespace),
        make("time", { datetime: decision.time, title: new Date(decision.time).toLocaleString() }))));
}

function reference(text) {
  const [name, digest] = text.split("@");
  const slash = name.lastIndexOf("/");
  const parts = [make("span", { class: "dim" }, name.slice(0, slash + 1)), make("b", {}, name.slice(slash + 1))];
  return digest ? [...parts, make("span", { class: "dim" }, `@${short(digest)}`)] : parts;
}

const short = (digest) => (digest.length > 26 ? `${digest.slice(0, 19)}…` : digest);
const took = (decision) => (decision.milliseconds < 1000 ? `${decision.milliseconds} ms` : `${(decision.milliseconds / 1000).toFixed(1)} s`);

function pill(is, text) {
  return make("span", { class: `pill ${is}` }, make("span", { class: "mark", "aria-hidden": "true" }, MARKS[is]), text);
}

function filter() {
  const counts = { all: 0, allowed: 0, denied: 0, undecided: 0 };
  const wanted = state.find.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let visible = 0;
  for (const decision of state.decisions) {
    const is = kind(decision) === "report" ? "denied" : kind(decision);
    const text = `${decision.reference} ${decision.digest || ""} ${decision.namespace} ${decision.code} ${decision.why}`.toLowerCase();
    const found = wanted.every((word) => text.includes(word));
    if (found) {
      counts.all += 1;
      counts[is] += 1;
    }
    const shown = found && (state.show === "all" || state.show === is);
    state.rows.get(decision.id).hidden = !shown;
    visible += shown;
  }
  for (const [name, count] of Object.entries(counts)) document.querySelector(`[data-count="${name}"]`).textContent = count;
  $("empty").hidden = visible > 0;
  $("empty").textContent = state.decisions.length ? "No decision is like that." : "Nothing was asked yet. Verify a reference above, or POST one to /v1/verify.";
}

function ages() {
  for (const time of document.querySelectorAll("time")) time.textContent = age(Date.parse(time.dateTime));
}

function age(time) {
  const seconds = Math.max(0, Math.round((Date.now() - time) / 1000));
  if (seconds < 5) return "now";
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString();
}

function move(event) {
  const buttons = [...$("list").querySelectorAll("li:not([hidden]) > button")];
  const at = buttons.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  buttons[Math.min(Math.max(to, 0), buttons.length - 1)].focus();
}

// --- the evidence ------------------------------------------------------------------------------------------------------

async function choose(id) {
  if (state.chosen === id) return; // a decision never changes: what is open stays open
  state.chosen = id;
  for (const [name, row] of state.rows) {
    if (name === id) row.firstElementChild.setAttribute("aria-current", "true");
    else row.firstElementChild.removeAttribute("aria-current");
  }
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  try {
    const found = await (await ask(`v1/decisions/${encodeURIComponent(id)}`)).json();
    if (state.chosen === id) $("detail").replaceChildren(...drawDecision(found));
  } catch (error) {
    if (state.chosen !== id) return;
    state.chosen = "";
    $("detail").replaceChildren(make("p", { class: "empty" }, error.message));
  }
}

function drawDecision(decision) {
  const is = kind(decision);
  const why = decision.error || decision.report?.failure;
  const tree = decision.report?.artifactReports || [];
  return [
    make("div", { class: `verdict ${is}` },
      make("p", { class: "word" }, make("span", { class: "mark", "aria-hidden": "true" }, MARKS[is]), WORDS[is]),
      make("p", { class: "full" }, decision.reference),
      decision.digest && digestLine(decision.digest),
      make("p", { class: "when" },
        make("time", { datetime: decision.time, title: new Date(decision.time).toLocaleString() }, age(Date.parse(decision.time))),
        ` · ${new Date(decision.time).toLocaleString()} · ${took(decision)}`,
        decision.namespace && ` · namespace ${decision.namespace}`)),
    why && drawWhy(why.code, why.message, why.remedy, is),
    ...(decision.report?.limits || []).map((limit) => drawWhy(limit.code, limit.message, limit.remedy, "undecided")),
    decision.report && make("h3", {}, tree.length ? `Attached to it: ${tree.length}` : "Nothing is attached to it"),
    tree.length ? make("ul", { class: "tree" }, ...tree.map(drawArtifact)) : null,
    decision.report?.leftOut && make("p", { class: "empty" }, `${decision.report.leftOut} more are not in this report, which would be too long.`),
    make("details", { class: "raw" }, make("summary", {}, "The whole answer as JSON"), make("pre", { tabindex: "0" }, JSON.stringify(decision, null, 2))),
  ].filter(Boolean);
}

function digestLine(digest) {
  const button = make("button", { type: "button", class: "quiet copy", "aria-label": "Copy the digest" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(digest);
    button.textContent = "Copied";
    say("Digest copied");
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return make("p", { class: "digest" }, make("code", {}, digest), button);
}

function drawWhy(code, message, remedy, is) {
  return make("div", { class: `because ${is}` },
    make("p", {}, make("span", {}, message), " ", make("code", { class: "code" }, code)),
    remedy && make("p", { class: "remedy" }, make("b", {}, "What to do "), remedy));
}

function drawArtifact(report) {
  const outcomes = report.results.map((result) => result.outcome);
  const outcome = report.outcome || ["PASSED", "INCONCLUSIVE", "FAILED"].find((name) => outcomes.includes(name));
  return make("li", {},
    make("details", { open: true, class: "artifact" },
      make("summary", {},
        outcome ? pill(OUTCOMES[outcome], outcome.toLowerCase()) : pill("report", "not verified"),
        make("span", { class: "type" }, report.artifactType || "no type"),
        make("code", { class: "dim", title: report.artifact }, short(report.artifact))),
      report.reason && drawWhy(report.reason, report.errorReason, report.remedy, OUTCOMES[report.outcome]),
      report.results.length ? make("ul", { class: "results" }, ...report.results.map(drawResult))
        : !report.reason && make("p", { class: "empty" }, "No verifier is configured for this kind."),
      make("p", { class: "found" }, `attached to ${tail(report.subject)}, found by ${report.discovery}`)),
    report.artifactReports?.length ? make("ul", { class: "tree" }, ...report.artifactReports.map(drawArtifact)) : null);
}

const tail = (subject) => { const [name, digest] = subject.split("@"); return digest ? `${name.split("/").pop()}@${short(digest)}` : subject; };

function drawResult(result) {
  return make("li", { class: "result" },
    make("p", { class: "by" }, pill(OUTCOMES[result.outcome], result.outcome.toLowerCase()), make("b", {}, result.verifierName),
      result.outcome === "PASSED" ? make("span", {}, result.description) : null),
    result.reason && drawWhy(result.reason, result.errorReason, result.remedy, OUTCOMES[result.outcome]),
    ...(result.warnings || []).map((warning) => drawWhy(warning.code, warning.message, warning.remedy, "undecided")),
    facts(result.detail));
}

function facts(detail) {
  if (!detail) return null;
  let found = null;
  try {
    found = JSON.parse(detail);
  } catch {
    found = { detail };
  }
  if (!Object.keys(found).length) return null;
  return make("details", { class: "facts" }, make("summary", {}, "Facts"), drawValue(found));
}

function drawValue(value) {
  if (Array.isArray(value)) return value.length ? make("ul", { class: "values" }, ...value.map((item) => make("li", {}, drawValue(item)))) : make("span", { class: "dim" }, "none");
  if (value !== null && typeof value === "object") {
    if (!Object.keys(value).length) return make("span", { class: "dim" }, "none");
    return make("dl", {}, ...Object.entries(value).map(([name, item]) => make("div", {}, make("dt", {}, name), make("dd", {}, drawValue(item)))));
  }
  return make("span", {}, value === null ? "none" : value === true ? "yes" : value === false ? "no" : String(value));
}

// --- what people do ----------------------------------------------------------------------------------------------------

async function verify(event) {
  event.preventDefault();
  const button = $("verify-button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  button.textContent = "Verifying…";
  $("verify-message").replaceChildren();
  try {
    const answer = await ask("v1/verify", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ references: [$("reference").value.trim()], namespace: $("namespace").value.trim() }),
    });
    const [decision] = (await answer.json()).answers;
    await refresh();
    await choose(decision.id);
    say(`${told(decision)}${decision.why ? `, ${decision.why}` : ""}`);
  } catch (error) {
    const text = error instanceof Refused ? error.message : "The service cannot be reached.";
    $("verify-message").replaceChildren(make("span", {}, text), error.remedy ? `. ${error.remedy}` : "");
  } finally {
    button.removeAttribute("aria-disabled");
    button.textContent = "Verify";
  }
}

function pause() {
  state.paused = !state.paused;
  $("pause").setAttribute("aria-pressed", String(state.paused));
  $("pause").textContent = state.paused ? "Resume" : "Pause";
  pulse(state.paused ? "paused" : "live", state.paused ? "Paused" : "Live");
}

function forget() {
  Object.assign(state, { token: "", tag: "", decisions: [], chosen: "", began: false });
  drawList();
  $("detail").replaceChildren(make("p", { class: "empty" }, "The token is forgotten."));
  refresh().catch(() => {});
}

$("place").textContent = location.host;
$("verify").addEventListener("submit", verify);
$("pause").addEventListener("click", pause);
$("forget").addEventListener("click", forget);
$("list").addEventListener("keydown", move);
$("find").addEventListener("input", (event) => { state.find = event.target.value; filter(); });
$("ask").addEventListener("cancel", (event) => event.preventDefault());
for (const radio of document.querySelectorAll("[name=show]")) {
  radio.addEventListener("change", () => { state.show = radio.value; filter(); });
}
follow();
