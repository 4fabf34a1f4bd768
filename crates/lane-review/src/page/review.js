// The page of `lane review`. Texts and labels are data: they are put in as text, never as markup.
"use strict";

const MAX_QUICK = 9;
const MAX_OPTIONS = 200;
const byId = (id) => document.getElementById(id);

let session = null;
let item = null;
// One request that changes something at a time: a second key must not hit a row nobody has seen.
let busy = false;
// Whether the rows shown are those that were skipped before.
let secondTime = false;

// ---- the server

async function ask(path, body) {
  const write = body !== undefined;
  const options = write
    ? { method: "POST", headers: { "Content-Type": "application/json", "X-Lane-Review": "1" }, body: JSON.stringify(body) }
    : {};
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. What was confirmed is kept; start `lane review` again and open the address it prints.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(answer.error || `The server answers ${response.status}.`);
  }
  return answer;
}

// Runs one action, unless another is under way; what goes wrong is said.
async function act(action) {
  if (busy) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    await action();
    say("error", "");
  } catch (error) {
    say("error", `Not done: ${error.message}`);
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

// ---- what is shown

function say(id, text) {
  const place = byId(id);
  place.textContent = text;
  if (id === "error") place.hidden = text === "";
}

const percent = (share) => (share === null ? "" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`);

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function showProgress(progress) {
  session.progress = progress;
  const { n, n_decided, n_changed, n_skipped, agreement } = progress;
  byId("bar").max = n;
  byId("bar").value = n_decided;
  const parts = [`${n_decided} of ${n} decided`, `${n_changed} to change`];
  if (n_skipped > 0) parts.push(`${n_skipped} skipped`);
  if (agreement.n_shared > 0) {
    parts.push(`annotators agree on ${agreement.n_agreeing} of ${agreement.n_shared} shared rows`);
  }
  if (progress.estimate !== null) parts.push(progress.estimate);
  say("progress", parts.join(" · "));
}

function visible(part) {
  byId("review").hidden = part !== "review";
  byId("keys").hidden = part === "";
  byId("finished").hidden = part !== "finished";
}

async function show(place) {
  item = await ask(`/api/items/${place}`);
  history.replaceState(null, "", `/#${place}`);
  visible("review");
  say("rank", `rank ${item.rank}`);
  say("kind", item.kind);
  say("score", `score ${Number(item.score).toPrecision(4)}`);
  say("where", `${item.place + 1} of ${session.progress.n} · row ${item.row}${item.id === String(item.row) ? "" : ` · ${item.id}`}`);
  say("text", item.text);
  say("label", item.label);
  say("suggested", item.suggested === item.label ? "the same" : item.suggested);
  say("p-label", percent(item.p_label));
  say("p-suggested", percent(item.p_suggested));
  say("p-wrong", percent(item.p_wrong));
  byId("p-wrong-box").hidden = item.p_wrong === null;
  say("reason", item.reason);
  say("decided", decidedBefore(item.decided));
  say("keep-label", item.label);
  say("take-label", item.suggested === item.label ? "suggestion" : item.suggested);
  byId("take").disabled = item.suggested === item.label;
  for (const id of ["keep", "other", "skip", "forward"]) byId(id).disabled = false;
  byId("back").disabled = place === 0;
  byId("forward").disabled = place + 1 >= session.progress.n;
  showDuplicates(item.duplicates_of);
  showQuick();
  byId("text").scrollTop = 0;
  byId("text").focus({ preventScroll: true });
}

function decidedBefore(decided) {
  if (decided === null) return "";
  const when = decided.decided_at.replace("T", " ");
  if (decided.new_label === null) return `You skipped it (${when}).`;
  if (decided.new_label === item.label) return `You kept the label (${when}).`;
  return `You changed it to ${decided.new_label} (${when}).`;
}

function showDuplicates(group) {
  byId("duplicates").hidden = group === null;
  if (group === null) return;
  const alike = group.exact ? "the same text" : `nearly the same text (similarity ${group.similarity.toFixed(2)})`;
  say("duplicates-title", `${group.n_others} other row${group.n_others === 1 ? " has" : "s have"} ${alike}`);
  const rows = group.others.map((other) => {
    const line = element("li", "");
    line.append(element("strong", other.label), ` — ${other.text} `, element("small", `row ${other.row}`));
    return line;
  });
  byId("duplicates-list").replaceChildren(...rows);
  byId("duplicates").open = item.kind === "conflict";
}

function showQuick() {
  const labels = session.labels.length <= MAX_QUICK ? session.labels : [];
  const standing = item.decided === null ? null : item.decided.new_label;
  const buttons = labels.map((label, index) => {
    const button = element("button", `${label} `);
    button.type = "button";
    button.append(element("kbd", String(index + 1)));
    button.setAttribute("aria-keyshortcuts", String(index + 1));
    button.setAttribute("aria-pressed", String(label === standing));
    button.addEventListener("click", () => choose(label));
    return button;
  });
  byId("quick").replaceChildren(...buttons);
}

function showEnd() {
  item = null;
  secondTime = false;
  history.replaceState(null, "", "/");
  visible("finished");
  const { n, n_skipped } = session.progress;
  say("finished-title", n_skipped === 0 ? `All ${n} rows are decided.` : `All ${n} rows were seen; ${n_skipped} of them skipped.`);
  byId("again").hidden = n_skipped === 0;
  byId("quick").replaceChildren();
  for (const id of ["keep", "take", "other", "skip", "forward"]) byId(id).disabled = true;
  byId("back").disabled = false;
  byId("finished-title").focus();
}

const goOn = (next) => (next === null ? showEnd() : show(next));

// ---- what a person does

function decide(decision, label) {
  if (item === null) return;
  const said = { keep: `kept ${item.label}`, suggestion: `changed to ${item.suggested}`, other: `changed to ${label}`, skip: "skipped" };
  act(async () => {
    const body = { row: item.row, decision };
    if (label !== undefined) body.label = label;
    const { rank, place } = item;
    const answer = await ask("/api/decide", body);
    showProgress(answer.progress);
    say("status", `Rank ${rank}: ${said[decision]}.`);
    await goOn(answer.next ?? (await nextSkipped(place)));
  });
}

// The next skipped row, until the last one; not round and round.
async function nextSkipped(place) {
  if (!secondTime) return null;
  const { next } = await ask(`/api/skipped/${place}`);
  return next !== null && next > place ? next : null;
}

function beginAgain() {
  act(async () => {
    secondTime = true;
    await goOn((await ask(`/api/skipped/${session.progress.n - 1}`)).next);
  });
}

function choose(label) {
  if (item === null) return;
  if (label === item.label) decide("keep");
  else if (label === item.suggested) decide("suggestion");
  else decide("other", label);
}

function take() {
  if (item !== null && item.suggested !== item.label) decide("suggestion");
}

function undo() {
  act(async () => {
    const answer = await ask("/api/undo", {});
    showProgress(answer.progress);
    say("status", `Row ${answer.undone.row}: ${answer.undone.decision} undone.`);
    if (answer.place !== null) await show(answer.place);
  });
}

function move(step) {
  const place = item === null ? session.progress.n - 1 : item.place + step;
  if (item === null && step > 0) return;
  if (place >= 0 && place < session.progress.n) act(() => show(place));
}

// ---- choosing among many labels

let options = [];
let active = 0;

function openChooser() {
  if (item === null || busy) return;
  byId("wanted").value = "";
  filter();
  byId("chooser").showModal();
  byId("wanted").focus();
}

// Labels that begin with what was typed, then those that contain it.
function filter() {
  const wanted = byId("wanted").value.trim().toLowerCase();
  const holds = session.labels.filter((label) => label.toLowerCase().includes(wanted));
  const begins = (label) => label.toLowerCase().startsWith(wanted);
  options = [...holds.filter(begins), ...holds.filter((label) => !begins(label))].slice(0, MAX_OPTIONS);
  const lines = options.map((label, index) => {
    const line = element("li", label === item.label ? `${label} (given)` : label);
    line.id = `option-${index}`;
    line.setAttribute("role", "option");
    line.addEventListener("click", () => pick(index));
    return line;
  });
  byId("options").replaceChildren(...lines);
  mark(0);
}

function mark(index) {
  active = Math.max(0, Math.min(index, options.length - 1));
  const lines = [...byId("options").children];
  lines.forEach((line, at) => line.setAttribute("aria-selected", String(at === active)));
  if (lines.length === 0) {
    byId("wanted").removeAttribute("aria-activedescendant");
    return;
  }
  byId("wanted").setAttribute("aria-activedescendant", `option-${active}`);
  lines[active].scrollIntoView({ block: "nearest" });
}

function pick(index) {
  if (options[index] === undefined) return;
  byId("chooser").close();
  choose(options[index]);
}

function chooserKey(event) {
  if (event.key === "ArrowDown") mark(active + 1);
  else if (event.key === "ArrowUp") mark(active - 1);
  else if (event.key === "Enter") pick(active);
  else return;
  event.preventDefault();
}

// ---- disagreements

async function listDisagreements() {
  const { rows } = await ask("/api/disagreements");
  const lines = rows.map((row) => {
    const line = element("li", "");
    const said = row.opinions.map((it) => `${it.annotator}: ${it.new_label}`).join(", ");
    const text = row.text.length > 160 ? `${row.text.slice(0, 160)}…` : row.text;
    line.append(`${text} (given ${row.label}) — `, element("strong", said), " ");
    if (row.place !== null) {
      const button = element("button", "Show");
      button.type = "button";
      button.setAttribute("aria-label", `Show row ${row.row}`);
      button.addEventListener("click", () => act(() => show(row.place)));
      line.append(button);
    }
    return line;
  });
  byId("disagreements-list").replaceChildren(...(rows.length === 0 ? [element("li", "None so far.")] : lines));
}

// ---- keys

const KEYS = {
  k: () => decide("keep"),
  s: take,
  Enter: take,
  o: openChooser,
  " ": () => decide("skip"),
  u: undo,
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
};

function onKey(event) {
  if (session === null || byId("chooser").open) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const presses = event.key === "Enter" || event.key === " ";
  if (presses && event.target.closest("button, summary, a, input")) return;
  const label = /^[1-9]$/.test(event.key) && session.labels.length <= MAX_QUICK ? session.labels[event.key - 1] : undefined;
  const action = label === undefined ? KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] : () => choose(label);
  if (action === undefined) return;
  event.preventDefault();
  // A key held down must not run through the rows.
  if (!event.repeat || event.key.startsWith("Arrow")) action();
}

async function begin() {
  // The token is in a cookie now; it need not stay in the address and the history.
  const place = /^#\d+$/.test(location.hash) ? Number(location.hash.slice(1)) : null;
  history.replaceState(null, "", `/${location.hash}`);
  session = await ask("/api/session");
  say("file", session.file || "lane review");
  say("annotator", `reviewed by ${session.annotator}`);
  document.title = `${session.file} – lane review`;
  byId("score").title = session.score.meaning;
  showProgress(session.progress);
  await goOn(place !== null && place < session.progress.n ? place : session.next);
}

document.addEventListener("keydown", onKey);
byId("keep").addEventListener("click", () => decide("keep"));
byId("take").addEventListener("click", take);
byId("other").addEventListener("click", openChooser);
byId("skip").addEventListener("click", () => decide("skip"));
byId("undo").addEventListener("click", undo);
byId("back").addEventListener("click", () => move(-1));
byId("forward").addEventListener("click", () => move(1));
byId("again").addEventListener("click", beginAgain);
byId("wanted").addEventListener("input", filter);
byId("wanted").addEventListener("keydown", chooserKey);
byId("close").addEventListener("click", () => byId("chooser").close());
byId("disagreements").addEventListener("toggle", () => {
  if (byId("disagreements").open) act(listDisagreements);
});
act(begin);
