// What a schedule may be told beside when and what: each with its usual value, which is never sent.

export const OPTIONS = [
  { name: "retries", label: "Retries", help: "of an attempt that failed", usual: "0", whole: true },
  { name: "timeout", label: "Timeout", help: "stop the run after this long: 30m", usual: "" },
  { name: "overlap", label: "Overlap", help: "when the run before still goes on", usual: "skip", choices: [
    ["skip", "Skip the new one"], ["queue_one", "Queue one"], ["queue_all", "Queue all"], ["cancel_other", "Cancel the running one"],
    ["kill_other", "Kill the running one"], ["allow", "Run side by side"]] },
  { name: "missed", label: "Missed", help: "times when nothing was there to run it", usual: "latest", choices: [
    ["latest", "Run the latest"], ["all", "Run all"], ["earliest", "Run the earliest"], ["none", "Run none"]] },
  { name: "catchup", label: "Catch up", help: "how far back missed times count", usual: "1d" },
  { name: "priority", label: "Priority", help: "who goes first in the queue", usual: "normal", choices: [
    ["high", "High"], ["normal", "Normal"], ["low", "Low"]] },
  { name: "on_failure", label: "Notify on failure", help: "an Apprise URL or the name of an event", usual: "" },
];
// those that make sense of a run that starts now
export const RUN_OPTIONS = new Set(["retries", "timeout", "priority", "on_failure"]);
const NUMBERS = ({ "-10": "high", 0: "normal", 10: "low" });

// What is not as usual, and what cannot be.
export function given(texts) {
  const found = {};
  const errors = {};
  for (const { name, usual, whole } of OPTIONS) {
    const text = (texts[name] ?? usual).trim();
    if (text === usual || !text) continue;
    if (whole && !/^\d+$/.test(text)) errors[name] = "give a whole number of 0 or more";
    else found[name] = whole || (name === "priority" && /^-?\d+$/.test(text)) ? Number(text) : text;
  }
  return { given: found, errors };
}

// The fields' texts for a stored schedule.
export function textsOf(stored) {
  return Object.fromEntries(OPTIONS.map(({ name, usual }) => {
    const value = stored[name];
    if (value === null || value === undefined) return [name, usual];
    return [name, name === "priority" ? NUMBERS[value] ?? String(value) : typeof value === "object" ? JSON.stringify(value) : String(value)];
  }));
}

// What is not as usual, in words, for when the fields are folded away.
export function summary(texts) {
  const { given: found } = given(texts);
  const parts = OPTIONS.filter(({ name }) => name in found).map(({ name, label, choices }) => {
    const chosen = choices?.find(([value]) => value === String(found[name]));
    return name === "retries" ? `${found[name]} ${found[name] === 1 ? "retry" : "retries"}` : `${label.toLowerCase()}: ${(chosen?.[1] ?? String(found[name])).toLowerCase()}`;
  });
  return parts.join(" · ") || "all as usual";
}
