"use strict";
// Sorts, filters and pages the ranking. Texts reach the page through textContent alone.
(() => {
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("data").textContent);
  const total = data.rank.length;
  const table = at("rows"), body = table.tBodies[0];
  const controls = { q: at("query"), given: at("given"), suggested: at("suggested"), kind: at("kind") };
  const count = (n) => n.toLocaleString("en-US");
  const ids = data.id || data.row;
  // Texts sort up, numbers down: the first click shows what one looks for.
  const up = { rank: true, text: true, label: true, suggested: true, reason: true };
  const initial = { q: "", given: "", suggested: "", kind: "", flagged: "", sort: "rank", order: "", page: 0 };
  let state = { ...initial };
  let size = 100;
  let order = []; // places of the rows that pass the filters, sorted
  let current = 0; // place within the page of the row that has the focus

  // ---- filter and sort

  let haystack = null;
  const searched = () => {
    if (!haystack) {
      haystack = data.text.map((text, row) => (text + "\n" + data.reason[row] + "\n" + ids[row]).toLowerCase());
    }
    return haystack;
  };

  const passing = () => {
    const place = (names, name) => (name === "" ? -1 : names.indexOf(name));
    const given = place(data.labels, state.given), suggested = place(data.labels, state.suggested);
    const kind = place(data.kinds, state.kind), query = state.q.trim().toLowerCase();
    const unknown = (name, found) => name !== "" && found < 0;
    if (unknown(state.given, given) || unknown(state.suggested, suggested) || unknown(state.kind, kind)) return [];
    const texts = query ? searched() : null;
    const rows = [];
    for (let row = 0; row < total; row++) {
      if (given >= 0 && data.label[row] !== given) continue;
      if (suggested >= 0 && data.suggested[row] !== suggested) continue;
      if (kind >= 0 && data.kind[row] !== kind) continue;
      if (state.flagged && !data.flagged[row]) continue;
      if (texts && !texts[row].includes(query)) continue;
      rows.push(row);
    }
    return rows;
  };

  const collator = new Intl.Collator(undefined, { numeric: true });
  // Places of names in their order, so that rows compare numbers.
  const ranks = (names) => {
    const sorted = names.map((_, place) => place).sort((a, b) => collator.compare(names[a], names[b]));
    const rank = [];
    sorted.forEach((place, order) => { rank[place] = order; });
    return rank;
  };
  const keys = {};
  const keyOf = (sort) => {
    if (!keys[sort]) {
      const column = data[sort] || [];
      if (sort === "label" || sort === "suggested") {
        const rank = ranks(data.labels);
        keys[sort] = column.map((label) => rank[label]);
      } else if (sort === "text" || sort === "reason") keys[sort] = ranks(column);
      else keys[sort] = column;
    }
    return keys[sort];
  };

  const isUp = () => (state.order ? state.order === "up" : Boolean(up[state.sort]));
  const sorted = (rows) => {
    if (state.sort === "rank" && isUp()) return rows;
    const key = keyOf(state.sort), sign = isUp() ? 1 : -1;
    return rows.sort((a, b) => {
      const [x, y] = [key[a], key[b]];
      const [noX, noY] = [x === null || x === undefined, y === null || y === undefined];
      if (noX || noY) return noX - noY || a - b; // what has no value stands last, either way
      return sign * (x - y) || a - b;
    });
  };

  // ---- rows

  const element = (name, attributes, text) => {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const shortNumber = (value) => {
    if (value === null || value === undefined) return "";
    const magnitude = Math.abs(value);
    if (Number.isInteger(value)) return count(value);
    return magnitude >= 0.001 && magnitude < 1000 ? value.toFixed(3) : value.toExponential(2);
  };
  const score = (value) => {
    if (value === null || value === undefined) return "";
    const magnitude = Math.abs(value);
    return value === 0 || (magnitude >= 0.001 && magnitude < 1000) ? value.toFixed(3) : value.toExponential(2);
  };
  const percent = (share) => {
    if (share === null || share === undefined) return "";
    const value = share * 100;
    if (value > 0 && value < 0.1) return "under 0.1%";
    if (value >= 99.5 && value < 100) return "over 99%";
    return (value < 9.95 && value !== 0 ? value.toFixed(1) : value.toFixed(0)) + "%";
  };

  const rowElement = (row) => {
    const line = element("tr", { role: "row", tabindex: "-1", "data-row": row, class: data.flagged[row] ? "flagged" : "" });
    const cell = (kind, name, text, dir) => {
      const made = element("td", { role: "cell", class: kind }, text);
      if (name) made.setAttribute("data-name", name);
      if (dir) made.setAttribute("dir", "auto");
      line.append(made);
      return made;
    };
    const rank = cell("rank", "", "");
    const more = element("button", { type: "button", class: "more", tabindex: "-1", "aria-expanded": "false",
      "aria-label": "Scores of rank " + data.rank[row] }, "+");
    rank.append(more, String(data.rank[row]));
    cell("text", "", "").append(element("div", { dir: "auto" }, data.text[row]));
    cell("label", "Given", data.labels[data.label[row]], true);
    cell("suggested", "Suggested", data.labels[data.suggested[row]], true);
    cell("reason", "Why", data.reason[row], true);
    cell("score", "Score", score(data.score && data.score[row]));
    cell("p_wrong", "P(wrong)", percent(data.p_wrong && data.p_wrong[row]));
    cell("kind", "Kind", data.kinds[data.kind[row]]);
    return line;
  };

  const toggle = (line) => {
    const open = line.classList.toggle("open");
    const button = line.querySelector(".more");
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "−" : "+";
    if (!open) { line.nextElementSibling.remove(); return; }
    const row = Number(line.dataset.row);
    const detail = element("tr", { role: "row", class: "detail" });
    const cell = element("td", { role: "cell", colspan: "8" });
    const list = element("dl", { class: "scores" });
    const fact = (name, value) => {
      if (value === "") return;
      const pair = element("div", {});
      pair.append(element("dt", {}, name), element("dd", {}, value));
      list.append(pair);
    };
    if (data.id) fact("id", data.id[row]);
    for (const [key, name] of data.scores) fact(name, shortNumber(data[key][row]));
    cell.append(list);
    detail.append(cell);
    line.after(detail);
  };

  // ---- the page

  const lines = () => Array.from(body.querySelectorAll("tr[data-row]"));
  const nPages = () => Math.max(1, Math.ceil(order.length / size));

  const render = () => {
    state.page = Math.min(Math.max(0, state.page), nPages() - 1);
    const start = state.page * size, shown = order.slice(start, start + size);
    body.replaceChildren(...shown.map(rowElement));
    current = 0;
    const first = lines()[0];
    if (first) first.tabIndex = 0;
    const range = shown.length ? `Rows ${count(start + 1)} to ${count(start + shown.length)} of ` : "";
    const matching = order.length === total ? count(total) + "." : `${count(order.length)} that match; ${count(total)} in all.`;
    at("status").textContent = (shown.length ? range : "None of ") + (shown.length ? matching : `${count(total)} rows matches.`);
    at("page").textContent = `Page ${count(state.page + 1)} of ${count(nPages())}`;
    at("first").disabled = at("earlier").disabled = state.page === 0;
    at("later").disabled = state.page === nPages() - 1;
    for (const head of table.tHead.rows[0].cells) {
      if (head.dataset.key === state.sort) head.setAttribute("aria-sort", isUp() ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  };

  const remember = () => {
    const parts = new URLSearchParams();
    for (const key in initial) if (key !== "page" && state[key] !== initial[key]) parts.set(key, state[key]);
    const text = parts.toString();
    // Some viewers of attachments refuse this; then the address just stays as it was.
    try { history.replaceState(null, "", text ? "#" + text : "#ranking"); } catch (refused) { /* see above */ }
  };

  const apply = (change, keep) => {
    state = { ...state, page: 0, ...change };
    for (const key in controls) if (controls[key].value !== state[key]) controls[key].value = state[key];
    at("flagged").checked = Boolean(state.flagged);
    at("sort").value = state.sort;
    order = sorted(passing());
    render();
    if (!keep) remember();
  };

  const turn = (page, focus) => {
    state.page = page;
    render();
    if (focus !== undefined) { const all = lines(); move(focus < 0 ? all.length - 1 : focus); }
    else table.scrollIntoView({ block: "start" });
  };

  // ---- keyboard

  const move = (to) => {
    const all = lines();
    if (!all.length) return;
    if (to >= all.length && state.page < nPages() - 1) { turn(state.page + 1, 0); return; }
    if (to < 0 && state.page > 0) { turn(state.page - 1, -1); return; }
    const next = Math.min(Math.max(0, to), all.length - 1);
    if (all[current]) all[current].tabIndex = -1;
    current = next;
    all[next].tabIndex = 0;
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  body.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const line = event.target.closest("tr[data-row]");
    if (!line) return;
    const onButton = event.target.closest("button");
    const here = lines().indexOf(line);
    const actions = {
      j: () => move(here + 1), ArrowDown: () => move(here + 1),
      k: () => move(here - 1), ArrowUp: () => move(here - 1),
      Home: () => move(0), End: () => move(lines().length - 1),
      n: () => { if (state.page < nPages() - 1) turn(state.page + 1, 0); },
      p: () => { if (state.page > 0) turn(state.page - 1, 0); },
      PageDown: () => { if (state.page < nPages() - 1) turn(state.page + 1, 0); },
      PageUp: () => { if (state.page > 0) turn(state.page - 1, 0); },
      Enter: () => toggle(line), " ": () => toggle(line),
      "/": () => controls.q.focus(),
    };
    if (!actions[event.key] || (onButton && (event.key === "Enter" || event.key === " "))) return;
    event.preventDefault();
    actions[event.key]();
  });
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr[data-row]");
    if (!line) return;
    const all = lines();
    if (all[current]) all[current].tabIndex = -1;
    current = all.indexOf(line);
    line.tabIndex = 0;
    if (event.target.closest(".more")) toggle(line);
  });

  // ---- controls

  const fill = (select, names, column) => {
    const counts = names.map(() => 0);
    column.forEach((place) => { counts[place] += 1; });
    const places = names.map((_, place) => place).filter((place) => counts[place] > 0);
    places.sort((a, b) => collator.compare(names[a], names[b]));
    for (const place of places) {
      select.append(element("option", { value: names[place] }, `${names[place]} (${count(counts[place])})`));
    }
  };
  fill(controls.given, data.labels, data.label);
  fill(controls.suggested, data.labels, data.suggested);
  fill(controls.kind, data.kinds, data.kind);

  for (const head of table.tHead.rows[0].cells) {
    const button = element("button", { type: "button" }, head.textContent);
    button.addEventListener("click", () => {
      const same = state.sort === head.dataset.key;
      apply({ sort: head.dataset.key, order: same ? (isUp() ? "down" : "up") : "" });
    });
    head.replaceChildren(button);
  }
  let waiting = 0;
  controls.q.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => apply({ q: controls.q.value }), 120);
  });
  for (const key of ["given", "suggested", "kind"]) {
    controls[key].addEventListener("change", () => apply({ [key]: controls[key].value }));
  }
  at("sort").addEventListener("change", () => apply({ sort: at("sort").value, order: "" }));
  at("flagged").addEventListener("change", () => apply({ flagged: at("flagged").checked ? "1" : "" }));
  at("reset").addEventListener("click", () => apply({ ...initial }));
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  at("first").addEventListener("click", () => turn(0));
  at("earlier").addEventListener("click", () => turn(state.page - 1));
  at("later").addEventListener("click", () => turn(state.page + 1));
  at("size").addEventListener("change", () => { size = Number(at("size").value); turn(0); });

  // ---- links that filter: #given=a&suggested=b

  const fromAddress = () => {
    const text = location.hash.slice(1);
    if (!text.includes("=")) return null;
    const change = { ...initial };
    for (const [key, value] of new URLSearchParams(text)) if (key in initial && key !== "page") change[key] = value;
    if (!Array.from(at("sort").options).some((option) => option.value === change.sort)) change.sort = "rank";
    return change;
  };
  addEventListener("hashchange", () => {
    const change = fromAddress();
    if (!change) return;
    apply(change, true);
    at("ranking").scrollIntoView();
    at("ranking").focus({ preventScroll: true });
  });

  at("controls").hidden = at("pager").hidden = at("keys").hidden = false;
  for (const option of Array.from(at("sort").options)) if (!Object.hasOwn(data, option.value)) option.remove();
  apply(fromAddress() || {}, true);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
