// The page: which view is shown, what moves in it, and the keys.
import { Refused, get, remove, toast } from "/ask.js";
import { Chart } from "/charts.js";
import { retryOne, showTask } from "/task.js";
import { queueTable, showFailed, showQueues, showSchedules, showTasks, showWorkers } from "/views.js";
import { ago, count, el, pill, rate, span, time } from "/words.js";

const main = document.querySelector("#main");
const status = document.querySelector("#status");
const REMEMBERED = 600;
const EVENTS = 12;
const samples = [];
const happened = [];

// -- the overview --

const flow = new Chart("Throughput", [
  { name: "submitted", kind: "waiting", of: (each) => each.submitted },
  { name: "succeeded", kind: "accent", area: true, of: (each) => each.succeeded },
  { name: "failed", kind: "bad", of: (each) => each.failed },
], rate, { least: 5 });
const delay = new Chart("Latency, submission to success", [
  { name: "p50", kind: "accent", area: true, of: (each) => each.total_p50_ms },
  { name: "p99", kind: "waiting", of: (each) => each.total_p99_ms },
], span, { least: 2 });
const tiles = Object.fromEntries(
  [["rate", "tasks a second"], ["ready", "ready"], ["running", "running"], ["failed", "failed in a minute"], ["workers", "workers"]].map(
    ([name, label]) => [name, { value: el("b"), label: el("span", {}, label), note: el("small") }]));
const LEADS = { ready: "#/queues", running: "#/tasks?state=leased", failed: "#/failed", workers: "#/workers" };
const overview = {
  element: el("div", {},
    el("h1.hidden", {}, "Overview"),
    el("div.tiles", {}, Object.entries(tiles).map(([name, tile]) => el(`${LEADS[name] ? "a" : "div"}.tile.${name}`, { href: LEADS[name] }, tile.value, tile.label, tile.note))),
    el("div.charts", {}, flow.element, delay.element),
    el("div.columns", {},
      el("section.queues", {}, el("h2", {}, "Queues"), el("div.place")),
      el("section.news", {}, el("h2", {}, "Just now"), el("div.place")))),
};

function tile(name, value, note, kind = "") {
  const { value: place, note: beside } = tiles[name];
  place.textContent = value;
  if (note !== undefined) beside.textContent = note;
  place.parentElement.dataset.kind = kind;
}

let ill = ""; // the kind of the tile of workers: bad if one of them is stuck

function drawOverview() {
  if (!overview.element.isConnected) return;
  const last = samples.at(-1);
  flow.draw(samples);
  delay.draw(samples);
  if (!last) return;
  const minute = samples.slice(-60);
  const failed = Math.round(minute.reduce((sum, each) => sum + each.failed, 0));
  tile("rate", rate(last.succeeded), `${rate(last.submitted)} come in`);
  tile("failed", count(failed), failed ? "attempts; see why" : "all is well", failed ? "bad" : "");
  tile("running", count(last.leased));
  tile("workers", count(last.workers), last.workers ? undefined : "start one", last.workers ? ill : "bad");
}

const WORDS = { dead: "gave up", retried: "will be retried", cancelled: "was cancelled", expired: "expired", revived: "lives again" };

function drawNews() {
  const place = overview.element.querySelector(".news .place");
  const rows = happened.map((each) => el("li", {},
    pill(each.what, { retried: "scheduled", revived: "ready" }[each.what] ?? each.what),
    el("div", {}, el("a", { href: `#/tasks/${each.id}` }, each.type), ` ${WORDS[each.what]}`,
      each.error_type && el("p.muted.failure", {}, `${each.error_type}: ${each.error_message ?? ""}`)),
    time(each.at)));
  place.replaceChildren(rows.length ? el("ul.news", {}, rows) : el("p.empty", {}, "Nothing has failed since this page was opened."));
}

async function showOverview(root) {
  if (!overview.element.isConnected) root.replaceChildren(overview.element);
  drawOverview();
  drawNews();
  const [{ queues }, now, { workers }] = await Promise.all([get("/api/queues"), get("/api/overview"), get("/api/workers")]);
  const [stuck, draining] = [workers.filter((each) => each.stuck), workers.filter((each) => each.draining)];
  ill = stuck.length ? "bad" : "";
  const notes = [stuck.length && `${count(stuck.length)} stuck`, draining.length && `${count(draining.length)} draining`].filter(Boolean);
  if (workers.length) tile("workers", count(now.workers), notes.join(", ") || "all well", ill);
  tile("ready", count(now.states.ready), `${count(now.states.scheduled + now.states.waiting)} later`);
  tile("running", count(now.states.leased), `of ${count(now.slots)} slots`);
  if (!now.accepting) say("disk full", "dead");
  overview.element.querySelector(".queues .place").replaceChildren(queueTable(queues.slice(0, 12), { act_: false }));
}

// -- which view --

const VIEWS = { overview: showOverview, tasks: showTasks, failed: showFailed, queues: showQueues, workers: showWorkers, schedules: showSchedules };
const MISSED = 3;
let view = { name: "overview", query: {} };
let looking = Promise.resolve();
let missed = 0;

function route() {
  const [path, words = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", id] = path.split("/");
  const query = Object.fromEntries(new URLSearchParams(words));
  if (name === "tasks" && id) return { name: "task", tab: "tasks", query: { id }, run: showTask };
  const known = VIEWS[name] ? name : "overview";
  return { name: known, tab: known, query, run: VIEWS[known] };
}

async function look() {
  const shown = view;
  try {
    await shown.run(main, shown.query);
    missed = 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    missed += 1;
    if (shown === view && (!main.dataset.ready || missed === MISSED)) main.replaceChildren(el("p.empty.bad", {}, error.message));
  }
  if (shown === view) main.dataset.ready = shown.name;
}

/** Looks again, one after the other. */
const again = () => (looking = looking.then(look));

async function go() {
  view = route();
  delete main.dataset.ready;
  delete main.dataset.shows;
  for (const tab of document.querySelectorAll("nav a")) {
    if (tab.dataset.view === view.tab) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  document.title = view.tab === "overview" ? "Wiretask" : `${document.querySelector("nav [aria-current]").textContent} · Wiretask`;
  const here = view;
  await again();
  if (here === view) scrollTo(0, 0);
}

addEventListener("hashchange", go);
document.addEventListener("look", again);
setInterval(() => {
  for (const place of document.querySelectorAll("time[datetime]:not([datetime=''])"))
    place.textContent = ago(Date.parse(place.getAttribute("datetime")));
  if (!document.hidden && !document.querySelector("dialog[open]") && !String(getSelection())) again();
}, 2000);

// -- what moves --

function say(word, kind) {
  status.textContent = word;
  status.className = `pill ${kind}`;
}

function listen() {
  const events = new EventSource("/api/events");
  events.addEventListener("open", async () => {
    say("live", "succeeded");
    const { samples: known } = await get("/api/history").catch(() => ({ samples: [] }));
    samples.splice(0, samples.length, ...known);
    drawOverview();
  });
  events.addEventListener("error", () => {
    say("no answer", "dead");
    // A refusal ends it for good; the scheduler may be starting again.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  events.addEventListener("sample", (event) => {
    const sample = JSON.parse(event.data);
    if (samples.at(-1)?.at_ms === sample.at_ms) return;
    samples.push(sample);
    if (samples.length > REMEMBERED) samples.shift();
    if (!document.hidden) drawOverview();
  });
  events.addEventListener("task", (event) => {
    happened.unshift({ ...JSON.parse(event.data), at: Date.now() });
    happened.splice(EVENTS);
    if (overview.element.isConnected) drawNews();
  });
}

// -- keys --

const rows = () => [...main.querySelectorAll("[data-open]")];

function step(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function theme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", document.documentElement.dataset.theme);
  } catch { /* it is not remembered then */ }
}

const KEYS = {
  ...Object.fromEntries(Object.keys(VIEWS).map((name, at) => [at + 1, () => (location.hash = name === "overview" ? "#/" : `#/${name}`)])),
  j: () => step(1),
  k: () => step(-1),
  d: theme,
  r: () => (view.name === "task" ? main.querySelector("[data-act=retry]") && retryOne(view.query.id) : main.querySelector(".head [data-act=retry]")?.click()),
  "?": () => document.querySelector("#keys").showModal(),
  Escape: () => (["task"].includes(view.name) || location.hash.includes("?") ? history.back() : (location.hash = "#/")),
  "/": async () => {
    if (view.name !== "tasks") {
      location.hash = "#/tasks";
      await new Promise((done) => setTimeout(done));
      await looking;
    }
    main.querySelector("input")?.focus();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.dataset?.open) location.hash = event.target.dataset.open;
  else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

main.addEventListener("click", (event) => {
  const row = event.target.closest("[data-open]");
  if (row && !event.target.closest("a, button") && !String(getSelection())) location.hash = row.dataset.open;
});
document.querySelector("#theme").addEventListener("click", theme);
document.querySelector("#help").addEventListener("click", KEYS["?"]);
addEventListener("unhandledrejection", (event) => toast(`a bug of this page: ${event.reason}`, "bad"));

try {
  const known = localStorage.getItem("theme");
  if (known) document.documentElement.dataset.theme = known;
} catch { /* as the system has it */ }

/** Who has signed in can sign out; where nobody has to, there is nothing to see. */
async function sayWho() {
  const { signed_in: signedIn, principal } = await get("/api/session").catch(() => ({}));
  if (!signedIn) return;
  const out = document.querySelector("#out");
  out.title = `Sign out ${principal}`;
  out.setAttribute("aria-label", out.title);
  out.hidden = false;
  out.addEventListener("click", async () => {
    await remove("/api/session").catch(() => null);
    location.assign("/login");
  });
}

sayWho();
listen();
go();
