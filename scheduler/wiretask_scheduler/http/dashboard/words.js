// How things are said, and how elements are made. What comes from peers is text and never markup.

/** An element: el("a.quiet", {href: "#/"}, "text", child, …); a property that is a function is a listener. */
export function el(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** 12 345, or 1.2M where it is long. */
export const count = (value) => (value < 100_000 ? NUMBER.format(value) : SHORT.format(value));

/** A rate a second. */
export const rate = (value) => (value === 0 ? "0" : value < 10 ? value.toFixed(1) : count(Math.round(value)));

/** A duration in milliseconds: 3 ms, 1.2 s, 4 min, 2 h, 5 d. */
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  const units = [[1000, "ms", 1], [60_000, "s", 1000], [3_600_000, "min", 60_000], [86_400_000, "h", 3_600_000]];
  const [, unit, size] = units.find(([most]) => ms < most) ?? [0, "d", 86_400_000];
  const value = ms / size;
  if (value === 0) return "0 ms";
  return `${value < 10 && size > 1 ? value.toFixed(1).replace(/\.0$/, "") : value < 1 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** How long ago a moment was, or how soon it is. */
export function ago(ms, now = Date.now()) {
  if (ms === null || ms === undefined) return "–";
  const since = now - ms;
  return since < -500 ? `in ${span(-since)}` : since < 1000 ? "now" : `${span(since)} ago`;
}

/** A moment, whole. */
export const moment = (ms) =>
  ms === null || ms === undefined ? "" : `${new Date(ms).toISOString().replace("T", " ").slice(0, 23)} UTC`;

/** A moment as an element: short to read, whole on a closer look. */
export const time = (ms) => el("time", { datetime: ms ? new Date(ms).toISOString() : "", title: moment(ms) }, ago(ms));

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A state or a mode with its colour. */
export const pill = (word, kind = word) => el(`span.pill.${kind}`, {}, word);

/** JSON as people read it; what is none stays as it is. */
export function pretty(body) {
  if (body.text === null) return `${count(body.octets)} octets that are no text`;
  try {
    return JSON.stringify(JSON.parse(body.text), null, 2);
  } catch {
    return body.text;
  }
}
