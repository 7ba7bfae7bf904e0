// What the panel knows: rows, pipelines, schedules, history.

import { clock, median, when } from "./words.js";

const LAST = 10;

export class Known {
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
    this.version = 0;  // one more with all that is heard
  }

  now() {
    return Date.now() + this.lag;
  }

  take(news) {
    if (news.all) this.forget();
    if (news.history) this.history = new Map(Object.entries(news.history));
    if (news.overview) this.overview(news.overview);
    for (const view of Object.values(news.pipelines ?? {})) this.pipeline(view);
    this.addRows(news.rows ?? [], !news.all);
    for (const details of Object.values(news.details ?? {})) {
      this.details.set(details.run.id, details);
      this.addRows([...details.path, details.row], false);
    }
    this.loaded = true;
    this.version += 1;
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

  matchingSchedules(filter) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const text = one => `${one.name} ${one.trigger} ${one.paused ? "paused" : ""}`.toLowerCase();
    return this.schedules.filter(one => words.every(word => text(one).includes(word)));
  }

  nextFire() {
    return this.schedules.filter(one => one.next_ms != null).sort((a, b) => a.next_ms - b.next_ms)[0];
  }

  // newest first
  runsOf(schedule) {
    return this.order.map(id => this.rows.get(id)).filter(row => row.schedule === schedule);
  }

  // the newest of a schedule's runs, of those that have begun where there are any
  newestOf(schedule) {
    const rows = this.runsOf(schedule);
    return (rows.find(row => row.started_ms != null) ?? rows[0])?.id;
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

  // what a row is in, the outermost first
  path(row) {
    const around = row?.parent == null ? null : this.rows.get(row.parent);
    return around ? [...this.path(around), around] : [];
  }

  // the nearest pipeline's run that `id` is, or is in
  root(id) {
    const row = this.rows.get(id);
    if (!row && this.pipelines.has(id)) return id;
    return [...this.path(row), row].findLast(one => one?.pipeline)?.id ?? this.focus;
  }

  // how deep below the listed rows
  depth(row) {
    return row.parent == null || row.parent === this.focus ? 0 : 1 + this.depth(this.rows.get(row.parent) ?? { parent: null });
  }

  // the listed rows, and behind each that is `open` what is in it
  unfolded(open, ids = this.order) {
    if (this.focus == null || !open.size) return ids;
    return ids.flatMap(id => {
      const view = open.has(id) && this.pipelines.get(id);
      return view ? [id, ...this.unfolded(open, view.steps.map(step => step.id))] : [id];
    });
  }

  matching(filter, open) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean), all = this.unfolded(open);
    if (!words.length) return all;
    return all.filter(id => {
      const row = this.rows.get(id);
      row.words ??= `${id} ${row.name} ${row.detail} ${row.state} ${row.reason ?? ""} ${row.why} ${row.schedule ?? ""}`.toLowerCase();
      return words.every(word => row.words.includes(word));
    });
  }
}
