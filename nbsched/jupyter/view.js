// The panel: runs, schedules, graph, timeline, log. One ES module without dependencies, used by the widget
// in a cell (`default`) and by the Lab page (`mount`). All text that comes from people goes in as text.

const SVG = "http://www.w3.org/2000/svg";
const NARROW_PX = 600;
const ROW_PX = 34, NARROW_ROW_PX = 52;
const BOX = { w: 156, h: 40, column: 204, row: 56, pad: 6 };
const LAST = 10;
const HERE_MS = 20_000;

// ------------------------------------------------------------------ small builders

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function draw(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function put(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function button(label, act, className = "") {
  const node = make("button", className, label);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

const CIRCLE = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11z";
// sign: [line, area]
const SHAPES = {
  "○": [CIRCLE, ""],
  "◌": [CIRCLE, ""],
  "◐": [CIRCLE, "M8 2.5a5.5 5.5 0 0 0 0 11z"],
  "◔": [CIRCLE, "M8 8V2.5A5.5 5.5 0 0 1 13.5 8z"],
  "✓": ["M3 8.6l3.3 3.2L13 4.6", ""],
  "✕": ["M4 4l8 8M12 4l-8 8", ""],
  "■": ["", "M4.5 4.5h7v7h-7z"],
  "⊘": [CIRCLE + "M4.3 11.7l7.4-7.4", ""],
  "‖": ["M5.8 4v8M10.2 4v8", ""],
  "◷": [CIRCLE + "M8 4.8V8l2.2 1.6", ""],
};

function sign() {
  const line = draw("path", { class: "line" }), area = draw("path", { class: "area" });
  const node = draw("svg", { viewBox: "0 0 16 16", class: "sign", "aria-hidden": "true" }, line, area);
  node.show = (shape, tone) => {
    if (node.dataset.sign !== shape) {
      node.dataset.sign = shape;
      const [stroke, fill] = SHAPES[shape] ?? SHAPES["○"];
      line.setAttribute("d", stroke);
      area.setAttribute("d", fill);
    }
    put(node, "class", `sign ${tone}`);
  };
  return node;
}

// ------------------------------------------------------------------ numbers and times as people read them

const two = n => String(n).padStart(2, "0");

export function took(ms) {
  if (ms == null) return "—";
  if (ms < 100) return `${ms} ms`;
  const tenths = Math.floor((ms + 50) / 100);
  if (ms < 9950) return `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  const s = Math.floor((ms + 500) / 1000), days = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24;
  const m = Math.floor(s / 60) % 60;
  if (days) return `${days} d ${h} h`;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export function when(at, now) {
  if (at == null) return "";
  const s = Math.abs(at - now) / 1000;
  if (s < 1) return "now";
  const [size, unit] = s < 60 ? [1, "s"] : s < 3600 ? [60, "min"] : s < 172800 ? [3600, "h"] : [86400, "d"];
  const amount = `${Math.floor(s / size)} ${unit}`;
  return at > now ? `in ${amount}` : `${amount} ago`;
}

function clock(at) {
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}`;
}

function exact(at) {
  if (at == null) return "—";
  const d = new Date(at), offset = -d.getTimezoneOffset();
  const zone = `${offset < 0 ? "−" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${clock(at)}:${two(d.getSeconds())} ${zone}`;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length >> 1] : null;
}

// ------------------------------------------------------------------ what is known

class Known {
  constructor(focus) {
    this.focus = focus;
    this.rows = new Map();
    this.order = [];
    this.history = new Map();
    this.pipelines = new Map();
    this.details = new Map();
    this.schedules = [];
    this.counts = null;
    this.lag = 0;
    this.loaded = false;
  }

  now() {
    return Date.now() + this.lag;
  }

  take(news) {
    if (news.all) this.forget();
    if (news.history) this.history = new Map(Object.entries(news.history));
    if (news.overview) this.overview(news.overview);
    for (const view of Object.values(news.pipelines ?? {})) this.pipeline(view);
    for (const details of Object.values(news.details ?? {})) this.details.set(details.run.id, details);
    this.addRows(news.rows ?? [], !news.all);
    this.loaded = true;
  }

  forget() {
    this.rows.clear();
    this.order = [];
    for (const view of this.pipelines.values()) this.addRows(view.steps, false);
  }

  overview(overview) {
    this.lag = overview.now_ms - Date.now();
    this.counts = overview.counts;
    this.schedules = overview.schedules ?? this.schedules;
  }

  pipeline(view) {
    this.pipelines.set(view.run.id, view);
    for (const [series, ticks] of Object.entries(view.history)) this.history.set(series, ticks);
    this.addRows([view.run, ...view.steps], true);
  }

  addRows(rows, remember) {
    let fresh = false;
    for (const row of rows) {
      const before = this.rows.get(row.id);
      if (!before && this.listed(row)) {
        this.order.push(row.id);
        fresh = true;
      }
      if (remember && row.ended_ms != null && before?.ended_ms == null) this.remember(row);
      this.rows.set(row.id, row);
    }
    if (fresh) this.sort();
  }

  listed(row) {
    return this.focus == null ? row.parent == null : row.parent === this.focus;
  }

  sort() {
    const oldestFirst = this.focus != null;
    this.order.sort((a, b) => (oldestFirst ? a - b : b - a));
  }

  remember(row) {
    const ticks = (this.history.get(row.series) ?? []).filter(tick => tick[0] !== row.id);
    ticks.push([row.id, row.tone, row.started_ms == null ? null : row.ended_ms - row.started_ms]);
    ticks.sort((a, b) => a[0] - b[0]);
    this.history.set(row.series, ticks.slice(-LAST));
  }

  expected(row) {
    const ticks = this.history.get(row.series) ?? [];
    return median(ticks.filter(tick => tick[1] === "ok" && tick[2] != null).map(tick => tick[2]));
  }

  elapsed(row) {
    const waits = row.started_ms == null || row.state === "pending" || row.state === "queued";
    return waits ? null : Math.max(0, (row.ended_ms ?? this.now()) - row.started_ms);
  }

  why(row) {
    if (row.due_ms != null) return `${row.why} ${when(row.due_ms, this.now())}`;
    if (row.until_ms != null && row.until_ms !== row.scheduled_ms)
      return `${row.why} ${clock(row.scheduled_ms)} – ${clock(row.until_ms)}`;
    return row.why;
  }

  failedToday() {
    const midnight = new Date(this.now()).setHours(0, 0, 0, 0);
    let failed = 0;
    for (const id of this.order) {
      const row = this.rows.get(id);
      if (row.state === "failed" && row.ended_ms >= midnight) failed += 1;
    }
    return failed;
  }

  // the pipeline's run that `id` is, or is a step of
  root(id) {
    const row = this.rows.get(id);
    if (row?.pipeline || (!row && this.pipelines.has(id))) return id;
    if (row?.parent != null) return row.parent;
    return this.focus;
  }

  matching(filter) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return this.order;
    return this.order.filter(id => {
      const row = this.rows.get(id);
      row.words ??= `${id} ${row.name} ${row.state} ${row.reason ?? ""} ${row.why} ${row.schedule ?? ""}`.toLowerCase();
      return words.every(word => row.words.includes(word));
    });
  }
}

// ------------------------------------------------------------------ a list of which only the visible part exists

class VirtualList {
  // `columns` is the head; `newRow()` gives an element with `.show(item)`; `choose(item)` is called on selection
  constructor({ label, className, columns, newRow, choose, key }) {
    this.items = [];
    this.pool = [];
    this.height = ROW_PX;
    this.key = key;
    this.newRow = newRow;
    this.choose = choose;
    this.chosen = null;
    this.node = make("div", `list ${className}`);
    this.head = make("div", "row head");
    this.head.setAttribute("aria-hidden", "true");
    for (const name of columns) this.head.append(make("span", name === "took" || name === "when" || name === "next" ? "num" : "", name));
    this.scroll = make("div", "scroll");
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "listbox");
    this.scroll.setAttribute("aria-label", label);
    this.pad = make("div", "pad");
    this.empty = make("div", "empty");
    this.scroll.append(this.pad, this.empty);
    this.node.append(this.head, this.scroll);
    this.scroll.addEventListener("scroll", () => this.paint(), { passive: true });
    this.scroll.addEventListener("keydown", event => this.onKey(event));
  }

  set(items, emptyText) {
    const anchor = this.scroll.scrollTop > 0 ? this.items[Math.floor(this.scroll.scrollTop / this.height)] : null;
    const before = anchor == null ? 0 : this.items.indexOf(anchor);
    this.items = items;
    say(this.empty, items.length ? "" : emptyText);
    this.pad.style.height = `${items.length * this.height}px`;
    if (anchor != null) {
      const after = items.findIndex(item => this.key(item) === this.key(anchor));
      if (after >= 0 && after !== before) this.scroll.scrollTop += (after - before) * this.height;
    }
    this.paint();
  }

  narrow(on) {
    this.height = on ? NARROW_ROW_PX : ROW_PX;
    this.pad.style.height = `${this.items.length * this.height}px`;
    this.paint();
  }

  paint() {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / this.height));
    const count = Math.min(this.items.length - first, Math.ceil((this.scroll.clientHeight || 340) / this.height) + 1);
    while (this.pool.length < count) this.pool.push(this.added());
    this.pool.forEach((node, at) => this.place(node, at < count ? first + at : -1));
  }

  added() {
    const node = this.newRow();
    node.setAttribute("role", "option");
    node.id = `nbs-${Math.random().toString(36).slice(2)}`;
    node.addEventListener("click", () => this.choose(node.item));
    this.pad.append(node);
    return node;
  }

  place(node, at) {
    node.hidden = at < 0;
    if (at < 0) return;
    const top = `translateY(${at * this.height}px)`;
    if (node.style.transform !== top) node.style.transform = top;
    node.item = this.items[at];
    const chosen = this.chosen != null && this.key(node.item) === this.chosen;
    put(node, "aria-selected", String(chosen));
    put(node, "aria-posinset", String(at + 1));
    put(node, "aria-setsize", String(this.items.length));
    if (chosen) put(this.scroll, "aria-activedescendant", node.id);
    node.show(node.item);
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined || !this.items.length || event.target !== this.scroll) return;
    event.preventDefault();
    const at = this.items.findIndex(item => this.key(item) === this.chosen);
    const to = Math.min(this.items.length - 1, Math.max(0, at < 0 ? 0 : at + step));
    this.choose(this.items[to]);
    this.reveal(to);
  }

  reveal(at) {
    const top = at * this.height, bottom = top + this.height, { scrollTop, clientHeight } = this.scroll;
    if (top < scrollTop) this.scroll.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.scroll.scrollTop = bottom - clientHeight;
  }
}

function spark() {
  const node = make("span", "spark");
  node.setAttribute("role", "img");
  node.show = ticks => {
    const key = ticks.map(tick => tick.join()).join(" ");
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    const most = Math.max(1, ...ticks.map(tick => tick[2] ?? 0));
    node.replaceChildren(...ticks.map(([, tone, ms]) => {
      const bar = make("i", tone);
      bar.style.height = `${ms == null ? 3 : 4 + Math.round((14 * ms) / most)}px`;
      return bar;
    }));
    put(node, "aria-label", ticks.length ? `last ${ticks.length}: ${ticks.filter(t => t[1] === "bad").length} failed` : "");
    put(node, "title", ticks.map(([id, , ms]) => `${id}: ${took(ms)}`).join("\n"));
  };
  return node;
}

function bar() {
  const node = make("span", "bar"), fill = make("i");
  node.append(fill);
  node.setAttribute("role", "progressbar");
  node.show = progress => {
    node.classList.toggle("off", !progress);
    if (!progress) return;
    const part = Math.min(1, progress[0] / progress[1]);
    fill.style.transform = `scaleX(${part})`;
    put(node, "aria-valuenow", String(Math.round(part * 100)));
    put(node, "title", `${progress[0]} of ${progress[1]}`);
  };
  return node;
}

function runRow(panel) {
  const node = make("div", "row"), icon = sign(), id = make("span", "id"), name = make("b"), detail = make("small");
  const what = make("span", "name"), why = make("span", "why"), progress = bar(), last = spark();
  const took_ = make("span", "num took"), spent = make("span"), usual = make("small"), time = make("span", "num when");
  const quick = button("", event => {
    event.stopPropagation();
    panel.act(node.dataset.verb, node.item);
  }, "quick");
  quick.tabIndex = -1;
  what.append(name, detail);
  took_.append(spent, usual);
  node.append(icon, id, what, why, progress, last, took_, time, quick);
  node.show = item => {
    const { known } = panel, row = known.rows.get(item), expected = row.state === "running" ? known.expected(row) : null;
    const reason = known.why(row), at = row.ended_ms ?? row.started_ms ?? row.scheduled_ms;
    icon.show(row.sign, row.tone);
    say(id, String(row.id));
    say(name, row.name);
    say(detail, row.detail);
    put(what, "title", `${row.name} ${row.detail}`.trim());
    say(why, reason);
    put(why, "class", `why ${row.tone === "bad" || row.tone === "warn" ? row.tone : ""}`);
    put(why, "title", reason);
    progress.show(row.progress);
    last.show(known.history.get(row.series) ?? []);
    say(spent, took(known.elapsed(row)));
    say(usual, expected ? ` / ${took(expected)}` : "");
    say(time, when(at, known.now()));
    put(time, "title", moments(row));
    const verb = row.actions[0] ?? "";
    if (node.dataset.verb !== verb) {
      node.dataset.verb = verb;
      say(quick, VERBS[verb]?.[0] ?? "");
      quick.hidden = !verb || (verb === "retry" && row.tone === "ok");
    }
    put(node, "aria-label", `${row.id} ${row.name} ${row.state}, ${reason}`);
  };
  return node;
}

function moments(row) {
  const lines = [`due ${exact(row.scheduled_ms)}`];
  if (row.started_ms != null) lines.push(`started ${exact(row.started_ms)}`);
  if (row.ended_ms != null) lines.push(`ended ${exact(row.ended_ms)}`);
  return lines.join("\n");
}

function scheduleRow(panel) {
  const node = make("div", "row"), icon = sign(), name = make("span", "name"), bold = make("b"), trigger = make("span", "why");
  const policy = make("span", "why policy"), last = spark(), next = make("span", "num when"), acts = make("span", "acts");
  name.append(bold);
  node.append(icon, name, trigger, policy, last, next, acts);
  node.show = item => {
    const { known } = panel;
    icon.show(item.paused ? "‖" : "◷", item.paused ? "warn" : "run");
    say(bold, item.name);
    put(name, "title", item.name);
    say(trigger, item.trigger);
    put(trigger, "title", item.tz ? `${item.trigger} (${item.tz})` : item.trigger);
    say(policy, `${item.overlap} · ${item.missed}`);
    put(policy, "title", `overlap ${item.overlap}, missed ${item.missed}`);
    last.show(known.history.get(item.name) ?? []);
    say(next, item.paused ? `paused ${item.paused}` : item.next_ms == null ? "—" : when(item.next_ms, known.now()));
    put(next, "title", item.next_ms == null ? "" : exact(item.next_ms));
    put(node, "aria-label", `${item.name}, ${item.trigger}, ${next.textContent}`);
    const key = item.actions.join();
    if (acts.dataset.key === key) return;
    acts.dataset.key = key;
    acts.replaceChildren(...item.actions.map(verb => button(VERBS[verb][0], event => {
      event.stopPropagation();
      panel.act(verb, node.item.name);
    })));
  };
  return node;
}

const VERBS = {
  cancel: ["Cancel", "cancelling…"],
  retry: ["Retry", "starting again…"],
  trigger: ["Trigger", "starting…"],
  pause: ["Pause", "pausing…"],
  resume: ["Resume", "resuming…"],
};

// ------------------------------------------------------------------ one run in full

class Aside {
  constructor(panel) {
    this.panel = panel;
    this.node = make("aside");
    this.node.hidden = true;
    this.node.setAttribute("aria-label", "Details");
  }

  show() {
    const { known, chosen } = this.panel;
    const schedule = chosen?.schedule && known.schedules.find(one => one.name === chosen.schedule);
    const row = chosen?.run != null && known.rows.get(chosen.run);
    this.node.hidden = !schedule && !row;
    if (schedule) this.fill(`s${JSON.stringify(schedule)}`, () => this.schedule(schedule));
    if (row) this.fill(`r${row.id}${JSON.stringify([row, known.details.get(row.id)])}`, () => this.run(row, known.details.get(row.id)));
    if (row) say(this.meta, this.moment(row));
  }

  fill(key, parts) {
    if (this.key === key) return;
    this.key = key;
    const open = this.node.querySelector("details")?.open, focused = this.node.contains(document.activeElement) && document.activeElement.textContent;
    this.node.replaceChildren(...parts());
    const trace = this.node.querySelector("details");
    if (trace && open) trace.open = true;
    if (focused) [...this.node.querySelectorAll("button")].find(one => one.textContent === focused)?.focus();
  }

  title(text, state, tone) {
    const head = make("h3"), close = button("", () => this.panel.choose(null), "close");
    close.setAttribute("aria-label", "Close details");
    close.append(draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, draw("path", { d: SHAPES["✕"][0] })));
    head.append(make("span", "title", text), make("span", `state ${tone}`, state), close);
    return head;
  }

  moment(row) {
    const { known } = this.panel;
    const at = row.ended_ms ?? row.started_ms ?? row.scheduled_ms;
    const verb = row.ended_ms != null ? "ended" : row.started_ms != null ? "started" : "due";
    const today = new Date(at).toDateString() === new Date(known.now()).toDateString();
    this.meta.title = moments(row);
    return `${verb} ${exact(at).slice(today ? 11 : 0, 19)} · ${when(at, known.now())}`;
  }

  run(row, details) {
    this.meta = make("div", "meta");
    const parts = [this.title(`${row.id} · ${row.name}`, row.state, row.tone), this.meta];
    const reason = this.panel.known.why(row);
    if (details?.error) parts.push(errorBlock(details.error));
    else if (reason && row.tone !== "run" && (row.tone !== "ok" || row.reason)) parts.push(make("div", `reason ${row.tone}`, reason));
    const acts = this.runActs(row, details);
    if (acts.children.length) parts.push(acts);
    if (details) parts.push(facts(details, this.panel.known.schedules.find(one => one.name === row.schedule)));
    return parts;
  }

  runActs(row, details) {
    const acts = make("div", "acts");
    for (const verb of row.actions) acts.append(button(VERBS[verb][0], event => this.press(event, verb, row.id)));
    const schedule = this.panel.known.schedules.find(one => one.name === row.schedule);
    for (const verb of schedule?.actions ?? [])
      acts.append(button(`${VERBS[verb][0]} ${verb === "trigger" ? "now" : "schedule"}`, event => this.press(event, verb, schedule.name)));
    if (details?.run.output) acts.append(button("Copy output path", event => copy(event.target, details.run.output)));
    return acts;
  }

  press(event, verb, target) {
    event.target.disabled = true;
    say(event.target, VERBS[verb][1]);
    this.panel.act(verb, target);
    setTimeout(() => { this.key = ""; this.panel.ask(); }, 3000);
  }

  schedule(one) {
    this.meta = make("div", "meta", one.trigger);
    const acts = make("div", "acts");
    for (const verb of one.actions) acts.append(button(VERBS[verb][0], event => this.press(event, verb, one.name)));
    if (one.last_run != null) acts.append(button(`Show run ${one.last_run}`, () => this.panel.choose({ run: one.last_run })));
    const state = one.paused ? `paused ${one.paused}` : "armed";
    return [
      this.title(one.name, state, one.paused ? "warn" : "run"), this.meta, acts,
      pairs([["next", one.next_ms == null ? "—" : exact(one.next_ms)], ["zone", one.tz ?? "the machine's"], ["overlap", one.overlap], ["missed", one.missed]]),
    ];
  }
}

function errorBlock(error) {
  const node = make("div", "err");
  node.append(make("div", "", error.text));
  if (error.line) node.append(make("div", "line", error.cell == null ? error.line : `cell ${error.cell}: ${error.line}`));
  if (error.traceback) {
    const trace = make("details"), summary = make("summary", "", "traceback");
    trace.append(summary, make("pre", "", error.traceback));
    node.append(trace);
  }
  return node;
}

function facts({ run, attempts }, schedule) {
  const show = value => (typeof value === "string" ? value : JSON.stringify(value));
  const listed = map => Object.entries(map).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join("\n");
  const tries = attempts.map(one => (one.ended_at ? took(Date.parse(one.ended_at) - Date.parse(one.started_at)) : "running"));
  const retried = run.retry_of == null ? [] : [["retry of", String(run.retry_of)]];
  return pairs([
    ["parameters", listed(run.params)], ["values", listed(run.values)],
    ["result", run.result == null ? "" : show(run.result)],
    ["attempts", attempts.length ? `${attempts.length} · ${tries.join(", ")}` : ""],
    ["schedule", [run.schedule, schedule?.trigger].filter(Boolean).join(" · ")], ["pipeline", run.pipeline && run.pipeline !== run.name ? run.pipeline : ""], ["key", run.key ?? ""], ["output", run.output ?? ""], ...retried,
  ]);
}

function pairs(entries) {
  const list = make("dl");
  for (const [name, value] of entries) if (value) list.append(make("dt", "", name), make("dd", "", value));
  return list;
}

async function copy(node, text) {
  const before = node.textContent;
  try {
    await navigator.clipboard.writeText(text);
    say(node, "Copied");
  } catch {
    say(node, text);
  }
  setTimeout(() => say(node, before), 1500);
}

// ------------------------------------------------------------------ the graph

class Graph {
  constructor(panel) {
    this.panel = panel;
    this.node = make("div", "graph");
    this.boxes = new Map();
  }

  show(view) {
    const key = JSON.stringify([view.nodes.map(n => [n.name, n.layer, n.height]), view.edges]);
    if (this.key !== key) this.build(view, key);
    const steps = new Map(view.steps.filter(s => s.parent === view.run.id).map(s => [s.step, s.id]));
    for (const [name, box] of this.boxes) this.update(box, this.panel.known.rows.get(steps.get(name)));
  }

  build(view, key) {
    this.key = key;
    this.boxes.clear();
    const width = Math.max(0, ...view.nodes.map(n => n.layer)) * BOX.column + BOX.w + 2 * BOX.pad;
    const lowest = Math.max(0, ...view.nodes.map(n => n.height), ...view.edges.flat().map(point => point[1]));
    const height = lowest * BOX.row + BOX.h + 2 * BOX.pad;
    const edges = draw("g", { class: "edges" }, ...view.edges.map(points => draw("path", { d: curve(points) })));
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `graph of ${view.run.name}` }, edges);
    svg.style.width = `clamp(${Math.round(width * 0.62)}px, 100%, ${width}px)`;
    for (const node of view.nodes) svg.append(this.box(node));
    this.node.replaceChildren(svg);
  }

  box(node) {
    const at = `translate(${BOX.pad + node.layer * BOX.column} ${BOX.pad + node.height * BOX.row})`;
    const title = draw("title"), name = draw("text", { x: 13, y: 17, class: "label" }), about = draw("text", { x: 28, y: 31, class: "about" });
    const icon = sign(), fill = draw("rect", { class: "fill", y: BOX.h - 3, x: 4, height: 3, width: BOX.w - 4 });
    for (const [key, value] of [["x", 12], ["y", 21.5], ["width", 12], ["height", 12]]) icon.setAttribute(key, value);
    name.textContent = node.name.replace(/\p{C}/gu, " ");
    const words = draw("svg", { width: BOX.w - 6, height: BOX.h }, name, icon, about);
    const group = draw("g", { transform: at, tabindex: 0, role: "button", class: "box wait" }, title,
      draw("rect", { class: "card", width: BOX.w, height: BOX.h, rx: 5 }), fill,
      draw("path", { class: "edge", d: `M4.5 .5H5V${BOX.h - 0.5}H4.5A4.5 4.5 0 0 1 .5 ${BOX.h - 5}V5A4.5 4.5 0 0 1 4.5 .5z` }), words);
    const choose = () => group.run != null && this.panel.choose({ run: group.run });
    group.addEventListener("click", choose);
    group.addEventListener("keydown", event => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), choose()));
    this.boxes.set(node.name, { group, title, icon, about, fill, name: node.name });
    return group;
  }

  update({ group, title, icon, about, fill, name }, row) {
    const { known, chosen } = this.panel;
    group.run = row?.id;
    put(group, "class", `box ${row?.tone ?? "wait"}${row && chosen?.run === row.id ? " chosen" : ""}`);
    icon.show(row?.sign ?? "○", row?.tone ?? "wait");
    const text = row ? this.about(row) : "waits";
    say(about, text.length <= 24 ? text : row.state === "pending" ? "waits" : `${text.slice(0, 23)}…`);
    fill.style.transform = `scaleX(${row?.progress ? Math.min(1, row.progress[0] / row.progress[1]) : 0})`;
    say(title, row ? `${name}: ${row.state}\n${known.why(row)}\n${moments(row)}` : name);
    put(group, "aria-label", `${name}, ${row?.state ?? "not there yet"}, ${text}`);
  }

  about(row) {
    const { known } = this.panel;
    if (row.state === "running") {
      const expected = known.expected(row), left = expected && expected - known.elapsed(row);
      const part = row.progress ? `${row.progress[0]}/${row.progress[1]} · ` : "";
      return left > 0 ? `${part}${took(left)} left` : `${part}${took(known.elapsed(row))}`;
    }
    if (row.state === "succeeded") return row.started_ms == null ? row.why || "done" : took(known.elapsed(row));
    return row.state === "failed" ? `${took(known.elapsed(row))} · ${row.why}` : known.why(row) || row.state;
  }
}

function curve(points) {
  const half = (BOX.column - BOX.w) / 2;
  let path = "";
  for (let at = 0; at + 1 < points.length; at++) {
    const x = BOX.pad + points[at][0] * BOX.column + BOX.w;
    const [y, end] = [points[at][1], points[at + 1][1]].map(h => BOX.pad + h * BOX.row + BOX.h / 2);
    path += `${path ? `H${x}` : `M${x} ${y}`}C${x + half} ${y} ${x + half} ${end} ${x + 2 * half} ${end}`;
  }
  return path;
}

// ------------------------------------------------------------------ the last runs, step by step

class Matrix {
  constructor(panel) {
    this.panel = panel;
    this.node = make("div", "matrix");
  }

  show(view) {
    const { known } = this.panel, live = this.live(view);
    const runs = [...view.past.filter(run => run.id !== view.run.id), live];
    const key = JSON.stringify([runs, this.panel.chosen?.run]);
    if (this.key === key) return;
    this.key = key;
    const table = make("table"), most = Math.max(1, ...runs.map(run => run.took_ms ?? 0));
    table.append(this.line("duration", "h", runs.map(run => this.duration(run, most))));
    view.nodes.forEach((node, at) => table.append(this.line(node.name, "", runs.map(run => this.cell(run, node.name, run.cells[at])))));
    this.node.replaceChildren(table);
    this.node.scrollLeft = this.node.scrollWidth;
  }

  live(view) {
    const { known } = this.panel, run = known.rows.get(view.run.id) ?? view.run;
    const steps = new Map(view.steps.map(step => [step.step, known.rows.get(step.id) ?? step]));
    const cells = view.nodes.map(node => steps.get(node.name)).map(step => step && [step.tone, step.id]);
    const spent = known.elapsed(run);
    return { id: run.id, tone: run.tone, took_ms: run.ended_ms == null ? spent && Math.ceil(spent / 1000) * 1000 : spent, scheduled_ms: run.scheduled_ms, cells };
  }

  line(name, className, cells) {
    const line = make("tr", className), head = make("th", "", name);
    head.scope = "row";
    head.title = name;
    line.append(head, ...cells);
    return line;
  }

  duration(run, most) {
    const cell = make("td"), mark = button("", () => this.panel.choose({ run: run.id }), run.tone);
    mark.style.height = `${3 + Math.round((30 * (run.took_ms ?? 0)) / most)}px`;
    mark.title = `run ${run.id} · ${took(run.took_ms)}\n${exact(run.scheduled_ms)}`;
    mark.setAttribute("aria-label", mark.title);
    cell.append(mark);
    return cell;
  }

  cell(run, name, found) {
    const cell = make("td");
    if (!found) return cell;
    const [tone, id] = found, mark = button(tone === "bad" ? "✕" : "", () => this.panel.choose({ run: id }), tone);
    if (this.panel.chosen?.run === id) mark.classList.add("chosen");
    mark.title = `${name} in run ${run.id}: ${{ ok: "succeeded", bad: "failed", run: "running", wait: "waiting", warn: "retrying", skip: "not run" }[tone]}`;
    mark.setAttribute("aria-label", mark.title);
    cell.append(mark);
    return cell;
  }
}

// ------------------------------------------------------------------ the timeline

const RANGES = [["15 min", 900e3], ["1 h", 3600e3], ["6 h", 6 * 3600e3], ["24 h", 86400e3]];
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map(s => s * 1000);

class Timeline {
  constructor(panel) {
    this.panel = panel;
    this.range = RANGES[1][1];
    this.node = make("div", "timeline");
    this.ranges = make("div", "ranges");
    this.ranges.setAttribute("role", "group");
    this.ranges.setAttribute("aria-label", "Span of time");
    for (const [name, ms] of RANGES) this.ranges.append(button(name, () => { this.range = ms; this.key = ""; panel.ask(); }));
    this.body = make("div", "lanes");
    this.node.append(this.body);
    if (panel.known.focus == null) this.node.prepend(this.ranges);
  }

  window(rows) {
    const { known } = this.panel, now = known.now();
    if (known.focus == null) return [now - this.range, now + this.range * 0.18];
    const starts = rows.map(row => row.started_ms).filter(at => at != null);
    const ends = rows.map(row => row.ended_ms ?? (row.started_ms == null ? null : now)).filter(at => at != null);
    const from = Math.min(now, ...starts), to = Math.max(from + 1000, ...ends);
    return [from, to + (to - from) * 0.02];
  }

  show() {
    const { known, chosen } = this.panel;
    [...this.ranges.children].forEach((one, at) => one.setAttribute("aria-pressed", String(RANGES[at][1] === this.range)));
    const all = known.matching(this.panel.filter).map(id => known.rows.get(id)).slice(0, known.focus == null ? 3000 : undefined);
    const [from, to] = this.window(all), now = known.now();
    const spans = all.map(row => [row, row.started_ms ?? row.scheduled_ms, row.ended_ms ?? row.until_ms ?? (row.started_ms == null ? row.scheduled_ms : now)]);
    const seen = spans.filter(([row, start, end]) => end >= from && start <= to && (row.started_ms != null || row.state === "skipped"));
    const lanes = new Map();
    for (const span of seen) {
      const key = known.focus == null ? span[0].name : `${span[0].name} ${span[0].detail.startsWith("[") ? span[0].detail : ""}`.trim();
      lanes.set(key, [...(lanes.get(key) ?? []), span]);
    }
    this.draw(lanes, from, to, now, chosen);
  }

  draw(lanes, from, to, now, chosen) {
    const width = Math.max(320, this.body.clientWidth || 700), height = 22;
    const left = Math.min(180, width * 0.3, 24 + 6.8 * Math.max(6, ...[...lanes.keys()].map(name => name.length)));
    const x = at => left + ((Math.min(to, Math.max(from, at)) - from) / (to - from)) * (width - left - 8);
    const names = [...lanes.keys()].slice(0, 60), bottom = names.length * height + 4;
    const svg = draw("svg", { width, height: bottom + 20, role: "group", "aria-label": "timeline" });
    svg.append(draw("defs", {}, stripes()));
    this.axis(svg, from, to, x, bottom, now);
    names.forEach((name, at) => this.lane(svg, name, lanes.get(name), at * height + 2, x, { left, width, chosen, to }));
    if (!names.length) svg.append(text(draw("text", { x: left, y: 14, class: "dim" }), "Nothing ran in this span."));
    this.body.replaceChildren(svg);
  }

  axis(svg, from, to, x, bottom, now) {
    const focus = this.panel.known.focus != null, step = STEPS.find(one => (to - from) / one <= 7) ?? STEPS.at(-1);
    const zero = focus ? from : Math.ceil(from / step) * step;
    for (let at = zero; at <= to; at += step) {
      svg.append(draw("line", { x1: x(at), x2: x(at), y1: 0, y2: bottom, class: "grid" }));
      svg.append(text(draw("text", { x: x(at), y: bottom + 14, class: "dim tick" }), focus ? took(at - from).replace("0 ms", "0") : clock(at)));
    }
    if (!focus || now < to) svg.append(draw("line", { x1: x(now), x2: x(now), y1: 0, y2: bottom, class: "now" }));
  }

  lane(svg, name, spans, y, x, { left, width, chosen, to }) {
    const short = Math.floor((left - 14) / 6.6);
    svg.append(text(draw("text", { x: left - 10, y: y + 14, class: "lane" }), name.length <= short ? name : `${name.slice(0, short - 1)}…`));
    svg.append(draw("line", { x1: left, x2: width - 8, y1: y + 20, y2: y + 20, class: "grid" }));
    for (const [row, start, end] of spans) svg.append(this.span(row, x(start), x(end), y, chosen));
    const next = this.panel.known.schedules.find(one => one.name === name)?.next_ms;
    if (next != null && next <= to) svg.append(draw("circle", { cx: x(next), cy: y + 10, r: 3.5, class: "next" }, text(draw("title"), `next ${exact(next)}`)));
  }

  span(row, from, to, y, chosen) {
    const title = text(draw("title"), `${row.id} ${row.name}: ${row.state}\n${this.panel.known.why(row)}\n${moments(row)}`);
    const mark = draw("rect", { x: from, y: y + 3, width: Math.max(3, to - from), height: 13, rx: 2, class: `span ${row.tone}${chosen?.run === row.id ? " chosen" : ""}` }, title);
    mark.addEventListener("click", () => this.panel.choose({ run: row.id }));
    return mark;
  }
}

function text(node, content) {
  node.textContent = content;
  return node;
}

function stripes() {
  return draw("pattern", { id: "nbs-stripes", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    draw("rect", { width: 8, height: 8, class: "stripe-low" }), draw("rect", { width: 4, height: 8, class: "stripe-high" }));
}

// ------------------------------------------------------------------ the panel

class Panel {
  constructor(el, { focus = null, send }) {
    this.send = send;
    this.known = new Known(focus);
    this.filter = "";
    this.chosen = null;
    this.tab = "Runs";
    this.el = el;
    this.root = make("div", "nbs");
    this.root.dataset.lmSuppressShortcuts = "true";
    this.tabs = focus == null ? ["Runs", "Schedules", "Graph", "Timeline", "Log"] : ["Runs", "Graph", "Timeline", "Log"];
    this.build();
    el.append(this.root);
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this.root);
    this.ticking = setInterval(() => document.hidden || this.ask(), 1000);
  }

  build() {
    this.aside = new Aside(this);
    this.graph = new Graph(this);
    this.matrix = new Matrix(this);
    this.timeline = new Timeline(this);
    this.runs = new VirtualList({
      label: this.known.focus == null ? "Runs" : "Steps", className: "runs", key: id => id, newRow: () => runRow(this), choose: id => this.choose({ run: id }),
      columns: ["", "run", this.known.focus == null ? "what" : "step", "why", "progress", "last 10", "took", "when"],
    });
    this.schedules = new VirtualList({
      label: "Schedules", className: "schedules", key: one => one.name, newRow: () => scheduleRow(this), choose: one => this.choose({ schedule: one.name }),
      columns: ["", "name", "trigger", "overlap · missed", "last 10", "next", ""],
    });
    this.log = make("pre", "log");
    this.log.tabIndex = 0;
    this.pipeline = make("div", "pipeline");
    this.pipeline.hidden = true;
    this.graphTitle = make("h4");
    this.matrixTitle = make("h4");
    const left = make("div"), right = make("div");
    left.append(this.graphTitle, this.graph.node);
    right.append(this.matrixTitle, this.matrix.node);
    this.pipeline.append(left, right);
    this.graphEmpty = make("div", "empty", "Choose a pipeline's run to see its graph.");
    this.graphPage = make("div", "page");
    this.graphPage.append(this.graphEmpty);
    this.main = make("div", "main");
    this.body = make("div", "body");
    this.body.append(this.main, this.aside.node);
    this.noticeText = make("span");
    this.notice = make("div", "notice");
    this.notice.hidden = true;
    this.notice.setAttribute("role", "status");
    this.notice.append(this.noticeText, button("Dismiss", () => { this.notice.hidden = true; }, "quiet"));
    this.root.append(this.header(), this.notice, this.body, this.pipeline);
    this.root.addEventListener("keydown", event => event.key === "Escape" && this.chosen && this.choose(null));
    this.open("Runs");
  }

  header() {
    const head = make("header"), tabs = make("div", "tabs"), search = make("input");
    this.title = make("b", "brand", "nbsched");
    this.facts = make("div", "facts");
    tabs.setAttribute("role", "tablist");
    this.tabButtons = this.tabs.map(name => {
      const tab = button(this.known.focus != null && name === "Runs" ? "Steps" : name, () => this.open(name), "tab");
      tab.setAttribute("role", "tab");
      tab.dataset.tab = name;
      return tab;
    });
    tabs.append(...this.tabButtons);
    tabs.addEventListener("keydown", event => this.turn(event));
    search.type = "search";
    search.placeholder = "Filter: name, state, reason…";
    search.setAttribute("aria-label", "Filter");
    search.addEventListener("input", () => { this.filter = search.value; this.ask(); });
    this.search = search;
    head.append(this.title, this.facts, tabs, search);
    this.building();
    return head;
  }

  building() {
    const count = (name, filter) => {
      const node = button("", () => this.filterBy(filter), "count"), number = make("em");
      node.append(number, document.createTextNode(name));
      node.title = `Show only ${filter}`;
      node.number = number;
      return node;
    };
    this.counts = { running: count("running", "running"), queued: count("queued", "queued"), failed_today: count("failed today", "failed") };
    this.counts.failed_today.classList.add("bad");
    this.counts.failed_today.prepend(sign());
    this.counts.failed_today.firstChild.show("✕", "bad");
    this.next = make("span", "count");
    this.nextAt = make("em");
    this.nextIn = make("span");
    this.next.append("next", this.nextAt, this.nextIn);
    this.state = sign();
    this.stateText = make("span", "count");
    this.whole = bar();
    if (this.known.focus == null) this.facts.append(this.counts.running, this.counts.queued, this.next, this.counts.failed_today);
    else this.facts.append(this.state, this.stateText, this.whole);
  }

  filterBy(word) {
    this.search.value = this.filter = this.filter === word ? "" : word;
    this.open("Runs");
  }

  turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = (this.tabs.indexOf(this.tab) + step + this.tabs.length) % this.tabs.length;
    this.open(this.tabs[at]);
    this.tabButtons[at].focus();
  }

  open(name) {
    this.tab = name;
    for (const tab of this.tabButtons) {
      tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
    }
    const parts = { Runs: this.runs.node, Schedules: this.schedules.node, Graph: this.graphPage, Timeline: this.timeline.node, Log: this.log };
    this.main.setAttribute("role", "tabpanel");
    this.main.setAttribute("aria-label", name);
    this.main.replaceChildren(parts[name]);
    this.root.dataset.tab = name;
    (name === "Graph" ? this.graphPage : this.root).append(this.pipeline);
    this.ask();
  }

  choose(chosen) {
    const same = JSON.stringify(chosen) === JSON.stringify(this.chosen);
    this.chosen = same && chosen === null ? null : chosen;
    this.runs.chosen = chosen?.run ?? null;
    this.schedules.chosen = chosen?.schedule ?? null;
    if (chosen?.run != null && !same) this.look(chosen.run);
    if (!chosen) this.runs.scroll.removeAttribute("aria-activedescendant");
    this.ask();
  }

  look(id) {
    const row = this.known.rows.get(id);
    if (row?.parent != null) this.send({ t: "look", run: row.parent });
    this.send({ t: "look", run: id });
  }

  act(verb, target) {
    this.send({ t: "act", verb, target });
  }

  resize() {
    const narrow = this.root.clientWidth < NARROW_PX;
    if (narrow !== this.isNarrow) {
      this.isNarrow = narrow;
      this.root.classList.toggle("narrow", narrow);
      this.runs.narrow(narrow);
      this.schedules.narrow(narrow);
    }
    this.ask();
  }

  news(news) {
    this.known.take(news);
    for (const one of news.notices ?? []) {
      say(this.noticeText, one);
      this.notice.hidden = false;
    }
    this.ask();
  }

  ask() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  paint() {
    this.paintHead();
    const empty = !this.known.loaded ? "Waiting for the kernel…" : this.filter ? "Nothing matches the filter." : "No runs yet.";
    this.stand();
    if (this.tab === "Runs") this.runs.set(this.known.matching(this.filter), empty);
    if (this.tab === "Schedules") this.schedules.set(this.matchingSchedules(), this.filter ? "Nothing matches the filter." : "No schedules yet.");
    if (this.tab === "Timeline") this.timeline.show();
    if (this.tab === "Log") this.paintLog();
    this.paintPipeline();
    this.aside.show();
  }

  // as high as its rows, within limits, and never lower than before: nothing below may jump
  stand() {
    const most = this.isNarrow ? 7 : 11;
    const rows = this.known.focus == null ? most : Math.min(most, Math.max(6, this.known.order.length));
    if (this.rows === rows) return;
    this.rows = rows;
    this.root.style.setProperty("--rows", rows);
  }

  matchingSchedules() {
    const words = this.filter.toLowerCase().split(/\s+/).filter(Boolean);
    return this.known.schedules.filter(one => words.every(word => `${one.name} ${one.trigger} ${one.paused ? "paused" : ""}`.toLowerCase().includes(word)));
  }

  paintHead() {
    const { known } = this;
    if (known.focus != null) return this.paintFocus();
    if (!known.counts) return;
    const counts = { ...known.counts, failed_today: known.failedToday() };
    for (const [name, node] of Object.entries(this.counts)) {
      say(node.number, counts[name].toLocaleString("en").replaceAll(",", " "));
      node.classList.toggle("none", !counts[name]);
    }
    this.counts.failed_today.hidden = !counts.failed_today;
    const soon = known.schedules.filter(one => one.next_ms != null).sort((a, b) => a.next_ms - b.next_ms)[0];
    this.next.hidden = !soon;
    say(this.nextAt, soon ? clock(soon.next_ms) : "");
    say(this.nextIn, soon ? when(soon.next_ms, known.now()) : "");
    const tab = this.tabButtons.find(one => one.dataset.tab === "Schedules");
    say(tab, known.schedules.length ? `Schedules ${known.schedules.length}` : "Schedules");
    put(this.next, "title", soon ? `${soon.name}\n${exact(soon.next_ms)}` : "");
  }

  paintFocus() {
    const view = this.known.pipelines.get(this.known.focus), run = this.known.rows.get(this.known.focus) ?? view?.run;
    if (!run) return;
    say(this.title, run.name);
    this.state.show(run.sign, run.tone);
    say(this.stateText, `run ${run.id} · ${run.state} · ${took(this.known.elapsed(run))}`);
    const steps = view?.steps.map(step => this.known.rows.get(step.id) ?? step) ?? [];
    this.whole.show(run.ended_ms == null && steps.length ? [steps.filter(step => step.ended_ms != null).length, steps.length] : null);
  }

  paintPipeline() {
    const { known } = this;
    let id = this.chosen?.run != null ? known.root(this.chosen.run) : known.focus;
    if (id == null && this.tab === "Graph") id = known.order.find(one => known.rows.get(one).pipeline);
    const view = known.pipelines.get(id);
    if (id != null && !view && this.asked !== id) this.send({ t: "look", run: (this.asked = id) });
    const wanted = view && (this.tab === "Runs" || this.tab === "Graph");
    this.pipeline.hidden = !wanted;
    this.graphEmpty.hidden = Boolean(wanted);
    if (!wanted) return;
    say(this.graphTitle, `${view.run.name} · run ${view.run.id}`);
    say(this.matrixTitle, view.past.length ? `${view.run.name} · last ${view.past.length + 1} runs` : "");
    this.graph.show(view);
    this.matrix.show(view);
  }

  paintLog() {
    const id = this.chosen?.run ?? this.known.focus, details = this.known.details.get(id);
    const atEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 4;
    say(this.log, id == null ? "Choose a run to read its log." : details?.log || "This run has not written anything.");
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  dispose() {
    clearInterval(this.ticking);
    this.sized.disconnect();
    if (this.frame) cancelAnimationFrame(this.frame);
    this.root.remove();
  }
}

// Shows the panel in `el`. `send(message)` carries what a person does; feed it with `.news(…)`.
export function mount(el, options) {
  return new Panel(el, options);
}

async function unpack(buffer) {
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

function render({ model, el }) {
  const view = crypto.randomUUID?.() ?? String(Math.random());
  const panel = mount(el, { focus: model.get("focus"), send: message => model.send(message) });
  const hello = () => model.send({ t: "hello", view });
  let seq = null, queue = Promise.resolve();
  const take = (number, news) => {
    if (seq === null && !news.all) return;
    if (seq !== null && number !== seq + 1) hello();
    seq = number;
    panel.root.dataset.seq = number;
    panel.news(news);
  };
  const listen = (message, buffers) => {
    if (message.t !== "news") return;
    queue = queue.then(async () => take(message.seq, await unpack(buffers[0]))).catch(error => console.error("nbsched", error));
  };
  model.on("msg:custom", listen);
  const here = setInterval(() => document.hidden || model.send({ t: "here", view }), HERE_MS);
  hello();
  return () => {
    clearInterval(here);
    model.off("msg:custom", listen);
    try {
      model.send({ t: "bye", view });
    } catch {
      // the kernel has gone: there is nobody to tell
    }
    panel.dispose();
  };
}

export default { render };
