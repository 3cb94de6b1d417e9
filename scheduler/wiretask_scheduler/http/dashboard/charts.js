// Lines that move: SVG, drawn anew with each second, in the colours of the style sheet.
import { el } from "/words.js";

const NS = "http://www.w3.org/2000/svg";
const [LEFT, BOTTOM, TOP] = [58, 22, 10];
/** Seconds that are shown, and where the axis says how long ago that was: as few as there are, to begin with. */
const WINDOWS = [[60, [40, 20]], [120, [80, 40]], [300, [240, 120]]];

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A round number that is not below one. */
function ceiling(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * size).find((step) => step >= value * 0.999);
}

export class Chart {
  /** `lines` are {name, kind, of(sample)}; `say` tells a value of the axis. */
  constructor(title, lines, say, { least = 1 } = {}) {
    Object.assign(this, { lines, say, least, seconds: 0, samples: [], at: null });
    this.picture = svg("svg", { role: "img", "aria-label": title });
    this.values = lines.map((line) => el("b"));
    const legend = lines.map((line, i) => el(`span.key.${line.kind}`, {}, `${line.name} `, this.values[i]));
    this.note = el("span.muted");
    this.element = el("figure.chart", {}, el("figcaption", {}, el("h3", {}, title), el("div.legend", {}, legend, this.note)), this.picture);
    this.picture.addEventListener("pointermove", (event) => this.look(event));
    this.picture.addEventListener("pointerleave", () => this.look(null));
    new ResizeObserver(() => this.draw(this.samples)).observe(this.picture);
  }

  look(event) {
    if (event === null) this.at = null;
    else {
      const box = this.picture.getBoundingClientRect();
      this.at = Math.max(0, Math.min(1, (event.clientX - box.left - LEFT) / (box.width - LEFT - 4)));
    }
    this.draw(this.samples);
  }

  draw(samples) {
    this.samples = samples;
    const { width, height } = this.picture.getBoundingClientRect();
    if (!width) return;
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const end = samples.at(-1)?.at_ms ?? Date.now();
    const since = (end - (samples[0]?.at_ms ?? end)) / 1000;
    const [seconds, marks] = WINDOWS.find(([most]) => since < most) ?? WINDOWS.at(-1);
    this.seconds = seconds;
    const shown = samples.slice(-seconds);
    const x = (sample) => LEFT + (1 - (end - sample.at_ms) / (this.seconds * 1000)) * (width - LEFT - 4);
    const most = Math.max(this.least, ...shown.flatMap((sample) => this.lines.map((line) => line.of(sample) ?? 0)));
    const top = ceiling(most);
    const y = (value) => TOP + (1 - value / top) * (height - TOP - BOTTOM);
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      parts.push(svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(top * share), y2: y(top * share) }));
      const label = svg("text", { x: LEFT - 8, y: y(top * share) + 4, "text-anchor": "end" });
      label.textContent = share ? this.say(top * share) : "0";
      parts.push(label);
    }
    for (const mark of [...marks, 0]) {
      const at = LEFT + (1 - mark / seconds) * (width - LEFT - 4);
      const label = svg("text", { x: at, y: height - 5, "text-anchor": mark ? "middle" : "end" });
      label.textContent = mark ? `−${mark < 120 ? `${mark} s` : `${mark / 60} min`}` : "now";
      parts.push(label);
    }
    const before = shown.filter((sample) => x(sample) >= LEFT);
    for (const line of this.lines) {
      const runs = [[]];
      for (const sample of before) {
        const value = line.of(sample);
        if (value === null || value === undefined) runs.push([]);
        else runs.at(-1).push(`${x(sample).toFixed(1)},${y(value).toFixed(1)}`);
      }
      for (const run of runs.filter((points) => points.length)) {
        if (line.area && run.length > 1) {
          const [first, last] = [run[0].split(",")[0], run.at(-1).split(",")[0]];
          parts.push(svg("path", { class: `area ${line.kind}`, d: `M${first},${y(0)}L${run.join("L")}L${last},${y(0)}Z` }));
        }
        if (run.length > 1) parts.push(svg("polyline", { class: `line ${line.kind}`, points: run.join(" ") }));
        else parts.push(svg("circle", { class: `dot ${line.kind}`, cx: run[0].split(",")[0], cy: run[0].split(",")[1], r: 1.6 }));
      }
    }
    let told = before.at(-1);
    this.note.textContent = "";
    if (this.at !== null && before.length) {
      const wanted = end - (1 - this.at) * this.seconds * 1000;
      told = before.reduce((best, each) => (Math.abs(each.at_ms - wanted) < Math.abs(best.at_ms - wanted) ? each : best));
      parts.push(svg("line", { class: "cross", x1: x(told), x2: x(told), y1: TOP, y2: height - BOTTOM }));
      this.note.textContent = new Date(told.at_ms).toLocaleTimeString();
    }
    this.lines.forEach((line, i) => {
      const value = told && line.of(told);
      this.values[i].textContent = value === null || value === undefined ? "–" : this.say(value);
    });
    this.picture.replaceChildren(...parts);
  }
}
