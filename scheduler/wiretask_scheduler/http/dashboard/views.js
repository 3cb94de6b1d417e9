// The views that are lists: tasks, failures, queues, workers, recurring tasks.
import { act, get, post, sure } from "/ask.js";
import { count, el, pill, plural, span, time } from "/words.js";

const PAGE = 50;
const STATES = ["waiting", "scheduled", "ready", "leased", "succeeded", "dead", "cancelled", "expired"];

/** A table that becomes cards where it is narrow; cells are {label: content}. */
function table(columns, rows, { empty, key, open }) {
  if (!rows.length) return el("p.empty", {}, empty);
  const body = el("tbody", {}, rows.map((row) => el("tr", { "data-key": key(row), tabindex: open ? "0" : null, "data-open": open?.(row) },
    columns.map(([label, cell, kind]) => el(`td${kind ? `.${kind}` : ""}`, { "data-label": label }, cell(row) ?? "")))));
  const head = columns.map(([label, , kind]) => el(`th${kind ? `.${kind}` : ""}`, { scope: "col" }, label));
  return el("div.table", {}, el("table", {}, el("thead", {}, el("tr", {}, head)), body));
}

/** Shows a view anew where it has changed, and leaves the focus where it was. */
function show(root, ...parts) {
  const active = document.activeElement;
  const kept = root.contains(active) ? [active.closest("[data-key]")?.dataset.key, active.dataset.act] : null;
  root.replaceChildren(...parts.filter(Boolean));
  if (kept?.[0] === undefined) return;
  const row = [...root.querySelectorAll("[data-key]")].find((each) => each.dataset.key === kept[0]);
  (kept[1] ? row?.querySelector(`[data-act="${kept[1]}"]`) : row)?.focus({ preventScroll: true });
}

const heading = (title, ...beside) => el("div.head", {}, el("h1", {}, title), el("div.actions", {}, beside));
const link = (task) => el("a.open", { href: `#/tasks/${task.id}`, tabindex: "-1" }, task.type);
const failure = (task) =>
  task.error_type && el("span.failure", { title: task.error_message ?? "" }, el("b", {}, task.error_type), ` ${task.error_message ?? ""}`);

// -- tasks --

const COLUMNS = [
  ["type", link],
  ["state", (task) => pill(task.state)],
  ["queue", (task) => task.queue],
  ["submitted", (task) => time(task.submitted_ms)],
  ["attempt", (task) => task.attempt, "number"],
  ["error", failure, "wide"],
];

/** Tasks that fit, at least a page of them where there are so many. */
async function find(query, before) {
  const tasks = [];
  let next = before;
  for (let asked = 0; asked < 5 && tasks.length < PAGE; asked += 1) {
    const page = await get("/api/tasks", { ...query, before: next, limit: PAGE - tasks.length });
    tasks.push(...page.tasks);
    next = page.next;
    if (next === null) break;
  }
  return { tasks, next };
}

const list = (tasks, empty) =>
  table(COLUMNS, tasks, { empty, key: (task) => task.id, open: (task) => `#/tasks/${task.id}` });

/** The list of what has been found, with a way to what is older. */
function found(page, query, empty) {
  const place = el("div", {}, list(page.tasks, empty));
  const more = el("button", { type: "button", hidden: page.next === null }, "Older ones");
  more.addEventListener("click", async () => {
    const older = await find(query, page.next);
    page.tasks.push(...older.tasks);
    page.next = older.next;
    page.grown = true;
    place.replaceChildren(list(page.tasks, empty));
    more.hidden = page.next === null;
  });
  return [place, el("p.more", {}, more)];
}

let shown = null; // the page of tasks that is looked at: one that has grown stays as it is

export async function showTasks(root, query) {
  const said = Object.fromEntries(["type", "state", "queue", "error"].map((name) => [name, query[name] ?? ""]));
  const wanted = JSON.stringify(said);
  const anew = root.dataset.shows !== `tasks ${wanted}`;
  if (!anew && (shown?.grown || root.querySelector("form")?.contains(document.activeElement))) return;
  shown = await find(said);
  if (!anew) {
    show(root.querySelector(".found"), ...found(shown, said, "No task fits this search."));
    return;
  }
  const field = (name, hint) => el("input", { name, value: said[name], placeholder: hint, "aria-label": name, autocomplete: "off", spellcheck: "false" });
  const states = ["", ...STATES].map((state) => el("option", { value: state, selected: state === said.state }, state || "any state"));
  const form = el("form.search", { role: "search", submit: (event) => {
    event.preventDefault();
    const words = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
    const id = words.type.replaceAll("-", "").toLowerCase();
    const rest = new URLSearchParams(Object.entries(words).filter(([, value]) => value));
    location.hash = /^[0-9a-f]{32}$/.test(id) ? `#/tasks/${id}` : `#/tasks?${rest}`;
    form.querySelector("button").focus();
  } },
    field("type", "type, type* or task id"),
    el("select", { name: "state", "aria-label": "state", change: () => form.requestSubmit() }, states),
    field("queue", "queue"), field("error", "error class"), el("button", {}, "Search"));
  root.replaceChildren(heading("Tasks"), form, el("div.found", {}, found(shown, said, "No task fits this search.")));
  root.dataset.shows = `tasks ${wanted}`;
}

// -- failures --

const chosen = (group) => ({ type: group.type, queue: group.queue, ...(group.error_type ? { error: group.error_type } : {}) });

export async function retryAll(group, number) {
  const what = `${plural(number, "dead task")} of the type ${group.type}${group.error ? ` with ${group.error}` : ""}`;
  if (await sure("Retry all of them?", `Another life for ${what}.`, "Retry all"))
    await act(() => post("/api/dead/retry", group), (said) => `${plural(said.retried, "task")} live again.`);
}

async function purgeAll(group, number) {
  if (await sure("Forget all of them?", `${plural(number, "dead task")} of the type ${group.type} are gone then.`, "Forget all"))
    await act(() => post("/api/dead/purge", group), (said) => `${plural(said.purged, "task")} are forgotten.`);
}

export async function showFailed(root, query) {
  const said = await get("/api/dead");
  const counted = said.complete ? "" : `Of the newest ${count(said.counted)} dead tasks.`;
  if (query.type) return showGroup(root, query, said);
  show(root, heading("Failures"), counted && el("p.muted", {}, counted), table([
    ["error", (group) => el("a.open", { href: groupHash(group), tabindex: "-1" }, group.error_type ?? "no error class")],
    ["type", (group) => group.type],
    ["queue", (group) => group.queue],
    ["tasks", (group) => count(group.count), "number"],
    ["last", (group) => time(group.last_ms)],
    ["message", (group) => el("span.failure", { title: group.error_message ?? "" }, group.error_message ?? ""), "wide"],
  ], said.groups, {
    empty: "Nothing has failed for good.",
    key: (group) => `${group.type} ${group.queue} ${group.error_type}`,
    open: groupHash,
  }));
}

const groupHash = (group) => `#/failed?${new URLSearchParams(chosen(group))}`;

async function showGroup(root, query, said) {
  const group = { type: query.type, queue: query.queue, ...(query.error ? { error: query.error } : {}) };
  const number = said.groups.find((each) => groupHash(each) === groupHash({ ...group, error_type: query.error }))?.count ?? 0;
  if (shown?.grown && root.dataset.shows === `group ${JSON.stringify(group)}`) return;
  shown = await find({ ...group, state: "dead" });
  const button = (label, kind, click, act_) => el(`button${kind}`, { type: "button", click, "data-act": act_, disabled: !shown.tasks.length }, label);
  show(root,
    el("div.head", { "data-key": "head" },
      el("div", {}, el("p.muted", {}, el("a", { href: "#/failed" }, "Failures"), " /"),
        el("h1", {}, query.error ?? "Failed", " ", el("span.muted", {}, `in ${query.type}`))),
      el("div.actions", {},
        button("Forget all", "", () => purgeAll(group, number), "purge"),
        button(`Retry all${number ? ` ${count(number)}` : ""}`, ".main", () => retryAll(group, number), "retry"))),
    ...found(shown, { ...group, state: "dead" }, "None of them is dead any more."));
  root.dataset.shows = `group ${JSON.stringify(group)}`;
}

// -- queues --

/** A bar of parts, with their names for those who do not see it. */
function bar(parts, most) {
  const total = parts.reduce((sum, [, value]) => sum + value, 0);
  const made = el("div.bar", { role: "img", "aria-label": parts.map(([name, value]) => `${value} ${name}`).join(", ") });
  for (const [name, value] of parts) {
    if (!value) continue;
    const piece = el(`i.${name}`, { title: `${count(value)} ${name}` });
    piece.style.flexGrow = value;
    made.append(piece);
  }
  const rest = el("i.rest");
  rest.style.flexGrow = Math.max(0, most - total);
  made.append(rest);
  return made;
}

const setMode = (queue, verb, done) =>
  act(() => post(`/api/queues/${encodeURIComponent(queue.name)}/${verb}`), () => `The queue ${queue.name} ${done}.`);

function modes(queue) {
  const button = (label, verb, done) => el("button", { type: "button", "data-act": verb, click: () => setMode(queue, verb, done) }, label);
  const drain = el("button", { type: "button", "data-act": "drain", click: async () => {
    if (await sure(`Drain ${queue.name}?`, "It takes no new tasks until it is resumed; those that are there go on.", "Drain it"))
      await setMode(queue, "drain", "takes no new tasks");
  } }, "Drain");
  return el("div.actions", {}, queue.mode === "open" ? [button("Pause", "pause", "is paused"), drain] : button("Resume", "resume", "is open"));
}

export function queueTable(queues, { act_ = true } = {}) {
  const most = Math.max(1, ...queues.map((queue) => queue.live));
  const columns = [
    ["queue", (queue) => el("a.open", { href: `#/tasks?queue=${encodeURIComponent(queue.name)}`, tabindex: "-1" }, queue.name)],
    ["mode", (queue) => pill(queue.mode)],
    ["depth", (queue) => bar([["leased", queue.leased], ["ready", queue.ready], ["scheduled", queue.scheduled], ["waiting", queue.waiting]], most), "wide"],
    ["ready", (queue) => count(queue.ready), "number"],
    ["running", (queue) => count(queue.leased), "number"],
    ["later", (queue) => count(queue.scheduled + queue.waiting), "number"],
    ["oldest", (queue) => span(queue.oldest_ready_ms), "number"],
  ];
  if (act_) columns.push(["", modes]);
  return table(columns, queues, { empty: "No queue has a task.", key: (queue) => queue.name, open: (queue) => `#/tasks?queue=${encodeURIComponent(queue.name)}` });
}

export async function showQueues(root) {
  const { queues } = await get("/api/queues");
  show(root, heading("Queues"), queueTable(queues));
}

// -- workers --

function health(worker) {
  if (!worker.connected) return pill("away", "paused");
  if (worker.stuck) return pill("stuck", "dead");
  if (worker.draining) return pill("draining", "paused");
  return pill(worker.outstanding ? "working" : "idle", worker.outstanding ? "succeeded" : "quiet");
}

function holding(worker) {
  if (!worker.tasks.length) return null;
  const rows = worker.tasks.map((task) => el("li", {},
    el("a", { href: `#/tasks/${task.id}` }, task.type), ` ${task.begun ? "for" : "waits there for"} ${span(task.age_ms)}`));
  const rest = worker.outstanding - worker.tasks.length;
  return el("ul.plain", {}, rows.slice(0, 5), rest + rows.length > 5 && el("li.muted", {}, `and ${count(Math.max(worker.outstanding - 5, rows.length - 5))} more`));
}

export async function showWorkers(root) {
  const { workers } = await get("/api/workers");
  const cards = workers.map((worker) => el("article.card", { "data-key": `${worker.peer} ${worker.name}` },
    el("div.head", {}, el("h3", {}, worker.name), health(worker)),
    worker.stuck && el("p.callout.bad", {}, worker.stuck),
    bar([["leased", worker.running], ["ready", Math.max(0, worker.outstanding - worker.running)]], Math.max(worker.concurrency, worker.outstanding, 1)),
    el("dl.facts", {}, [
      ["running", `${count(worker.running)} of ${count(worker.concurrency)}${worker.outstanding > worker.running ? `, ${count(worker.outstanding - worker.running)} wait there` : ""}`],
      ["done", count(worker.done)],
      ["heard", worker.heard_ms === null ? "–" : `${span(worker.heard_ms)} ago`],
      ["round trip", span(worker.round_trip_ms)],
      ["here for", span(worker.connected_seconds * 1000)],
      ["queues", Object.keys(worker.queues).join(", ")],
      ["types", worker.types.length > 6 ? `${worker.types.slice(0, 6).join(", ")} and ${worker.types.length - 6} more` : worker.types.join(", ")],
      ["software", [worker.agent, worker.version && `protocol ${worker.version}`].filter(Boolean).join(", ") || "–"],
    ].map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    holding(worker)));
  show(root, heading("Workers"), cards.length ? el("div.cards", {}, cards)
    : el("p.empty", {}, "No worker is connected. Start one with ", el("code", {}, "wiretask-worker"), "."));
}

// -- recurring tasks --

const runsOf = (each) => `#/tasks?${new URLSearchParams({ type: each.type, queue: each.queue })}`;

export async function showSchedules(root) {
  const { schedules } = await get("/api/schedules");
  show(root, heading("Schedules"), table([
    ["name", (each) => el("a.open", { href: runsOf(each), tabindex: "-1" }, each.name)],
    ["type", (each) => each.type],
    ["queue", (each) => each.queue],
    ["when", (each) => (each.cron ? `${each.cron} (${each.zone})` : `every ${span(each.every_ms)}`)],
    ["next", (each) => time(each.next_ms)],
    ["last", (each) => time(each.last_ms)],
    ["overlap", (each) => each.overlap],
    ...(schedules.some((each) => each.left_out) ? [["left out", (each) => each.left_out && el("span.failure", { title: each.left_out }, each.left_out), "wide"]] : []),
  ], schedules, { empty: "Nothing recurs. wiretask schedule put says how.", key: (each) => each.name, open: runsOf }));
}
