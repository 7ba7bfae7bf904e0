// Parameters as they stand in a form: which field each gets, what a text in it means, which were changed.

const LONG = 60;
const REFERENCE = /^@\w[\w-]*(\.\w+)*$/;
const PLAIN = { int: "whole", float: "number", date: "date", list: "json", dict: "json" };

// The field that suits the parameter; a whole number that may be none was declared by its default alone.
export function controlOf({ type, default: usual, optional, required, choices }) {
  if (choices?.length) return "choice";
  if (type === "bool") return typeof usual === "boolean" && !required ? "switch" : "choice";
  if (type === "int" && optional) return "number";
  if (type in PLAIN) return PLAIN[type];
  if (typeof usual === "object" && usual !== null) return "json";
  const shown = textOf(usual);
  return shown.includes("\n") || shown.length > LONG ? "text" : "line";
}

// What may be chosen, as values.
export function choicesOf({ choices }) {
  return choices?.length ? choices : [true, false];
}

// The value as it stands in a field; nothing for none.
export function textOf(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  return typeof value === "object" ? pretty(value) : JSON.stringify(value);
}

// What stands in the parameter's field for the value.
export function fieldText(parameter, value) {
  const control = controlOf(parameter);
  if (control === "switch") return String(value === true);
  if (control !== "choice") return textOf(value);
  return choicesOf(parameter).some(one => equal(one, value)) ? JSON.stringify(value) : "";
}

function pretty(value) {
  const line = inLine(value);
  return line.length <= LONG ? line : JSON.stringify(value, null, 2);
}

// JSON as Python writes it: a blank after each comma and colon
function inLine(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inLine).join(", ")}]`;
  return `{${Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${inLine(part)}`).join(", ")}}`;
}

// What the text means for the parameter; a reference such as `@scheduled_date` is kept for when it runs.
export function read(parameter, text) {
  const typed = text.trim(), { type, default: usual, required } = parameter, none = usual === null || usual === undefined;
  if (!typed && (none || type !== "str")) return required ? { error: "this one has no default: give it a value" } : { unset: true };
  if (REFERENCE.test(typed)) return { value: typed };
  return READERS[controlOf(parameter)](type === "str" ? text : typed, type);
}

const READERS = {
  whole: typed => {
    if (!/^[+-]?\d+$/.test(typed)) return { error: `${typed} is not a whole number: write one like 5` };
    const found = Number(typed);
    return Number.isSafeInteger(found) ? { value: found } : { error: `${typed} is too large to be sent exactly: set it in Python` };
  },
  number: typed => {
    const found = Number(typed);
    return Number.isFinite(found) ? { value: found } : { error: `${typed} is not a number: write one like 0.5` };
  },
  switch: typed => ({ value: typed === "true" }),
  choice: typed => ({ value: JSON.parse(typed) }),
  date: typed => (/^\d{4}-\d\d-\d\d$/.test(typed) && !Number.isNaN(Date.parse(typed)) ? { value: typed } : { error: `${typed} is not a day: write one like 2026-01-31` }),
  json: (typed, type) => {
    const found = parsed(typed);
    if (!found) return { error: `this is not JSON: write it like ${EXAMPLES[type] ?? EXAMPLES.list}` };
    if (found.value === null || !(type in EXAMPLES)) return found;
    return kindOf(found.value) === type ? found : { error: `this is JSON, but no ${type}: write it like ${EXAMPLES[type]}` };
  },
  line: (typed, type) => (type === "any" ? parsed(typed) ?? { value: typed } : { value: typed }),
};
READERS.text = READERS.line;

const EXAMPLES = { list: '["a", "b"]', dict: '{"a": 1}' };

function parsed(text) {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

// The parameters whose text means another value than their default, and those whose text means none.
export function changes(parameters, texts) {
  const params = {};
  const errors = {};
  for (const parameter of parameters) {
    const { name, required } = parameter, usual = fieldText(parameter, parameter.default), text = texts[name] ?? usual;
    if (text === usual && !required) continue;
    const found = read(parameter, text);
    if ("error" in found) errors[name] = found.error;
    else if ("value" in found && (required || !equal(found.value, parameter.default))) params[name] = found.value;
  }
  return { params, errors };
}

export function equal(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every(key => Object.hasOwn(other, key) && equal(one[key], other[key]));
}

// A parameter as it must be for this value, of a run whose declaration is not known.
export function parameterOf(name, value) {
  return { name, type: kindOf(value), default: value, optional: true };
}

function kindOf(value) {
  if (value === null) return "any";
  if (Array.isArray(value)) return "list";
  return { object: "dict", number: Number.isInteger(value) ? "int" : "float", boolean: "bool", string: "str" }[typeof value];
}
