// Runs marked to be acted on together.

export class Marked {
  constructor() {
    this.ids = new Set();
    this.from = null;  // where a range begins
  }

  toggle(id) {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.from = id;
  }

  // all from where the last mark was set
  reach(id, listed) {
    const ends = [listed.indexOf(this.from), listed.indexOf(id)].sort((a, b) => a - b);
    if (ends[0] < 0) return this.toggle(id);
    for (const one of listed.slice(ends[0], ends[1] + 1)) this.ids.add(one);
  }

  all(listed) {
    const every = listed.length > 0 && listed.every(id => this.ids.has(id));
    this.ids = new Set(every ? [] : listed);
  }

  none() {
    this.ids.clear();
    this.from = null;
  }

  // those that are listed: nothing is done to what cannot be seen
  among(listed) {
    return this.ids.size ? listed.filter(id => this.ids.has(id)) : [];
  }
}

// how many of the rows a verb can be asked of
export function can(rows, verb) {
  return rows.filter(row => row.actions.includes(verb));
}

const DONE = { cancel: "cancelled", retry: "started again" };

// `3 cancelled · 1 had ended already · refused: run 12: …`; `refused` has [id, sentence]
export function outcome(verb, done, refused, passed) {
  const parts = [`${done} ${DONE[verb] ?? verb}`];
  if (passed) parts.push(verb === "cancel" ? `${passed} had ended already` : `${passed} cannot be started again`);
  const by = new Map();
  for (const [id, why] of refused) by.set(why, [...(by.get(why) ?? []), id]);
  for (const [why, ids] of by) parts.push(`refused: ${ids.length > 1 ? `${ids.length} runs` : `run ${ids[0]}`}: ${why}`);
  return parts.join(" · ");
}
