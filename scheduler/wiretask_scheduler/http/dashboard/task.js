// One task: what it is, what has happened to it, what its last worker said, and what can be done.
import { act, get, post, remove, sure } from "/ask.js";
import { count, el, moment, pill, plural, pretty, span, time } from "/words.js";

const KINDS = { submitted: "", attempt: "bad", running: "leased", waiting: "waiting", due: "scheduled" };

export const retryOne = (id) =>
  act(() => post(`/api/tasks/${id}/retry`), () => "It lives again.");

function actions(task) {
  const at = `/api/tasks/${task.id}`;
  const all = {
    retry: ["Retry", "main", () => retryOne(task.id)],
    cancel: ["Cancel", "", async () => {
      if (await sure("Cancel this task?", "A worker that runs it is asked to stop.", "Cancel it"))
        await act(() => post(`${at}/cancel`), (said) => (said.cancelled ? "It is asked to stop." : "It has ended already."));
    }],
    purge: ["Forget", "", async () => {
      if (!(await sure("Forget this task?", "It is gone then, with its arguments and its errors.", "Forget it"))) return;
      await act(() => remove(at), () => "It is forgotten.");
      history.back();
    }],
  };
  return task.can.map((can) => {
    const [label, kind, click] = all[can];
    return el(`button${kind && `.${kind}`}`, { type: "button", click, "data-act": can }, label);
  });
}

function facts(task) {
  const said = [
    ["queue", el("a", { href: `#/tasks?queue=${encodeURIComponent(task.queue)}` }, task.queue)],
    ["priority", task.priority],
    ["attempt", task.options.max_attempts ? `${task.attempt} of ${task.options.max_attempts}` : task.attempt],
    ["submitted", time(task.submitted_ms)],
    task.ended_ms !== null && ["ended", time(task.ended_ms)],
    task.ended_ms !== null && ["took", span(task.ended_ms - task.submitted_ms)],
    task.started_ms !== null && ["running for", span(Math.max(0, Date.now() - task.started_ms))],
    task.worker && ["worker", task.worker],
    task.deliveries > 1 && ["deliveries", task.deliveries],
    task.crashes > 0 && ["crashes", task.crashes],
    task.losses > 0 && ["lost workers", task.losses],
  ];
  return el("dl.facts", {}, said.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function timeline(task) {
  const began = task.story[0].at_ms;
  return el("ol.timeline", {}, task.story.map((each) => {
    const kind = KINDS[each.what] ?? each.what;
    const offset = each.at_ms === null ? "" : each.at_ms === began ? "" : `+${span(each.at_ms - began)}`;
    const who = [each.attempt && each.what === "attempt" && `attempt ${each.attempt} ${each.outcome}`, each.worker && `on ${each.worker}`];
    return el(`li${kind && `.${kind}`}`, {},
      el("div.when", { title: moment(each.at_ms) }, offset || (each.at_ms === null ? "now" : moment(each.at_ms).slice(11, 19))),
      el("div", {}, el("p", {}, each.text), el("p.muted", {}, who.filter(Boolean).join(" "))));
  }));
}

const block = (title, text, note = "") =>
  el("section", {}, el("h3", {}, title, note && el("span.muted", {}, ` ${note}`)), el("pre", { tabindex: "0" }, text));

const part = (body) => (body.cut ? `the first of ${count(body.octets)} octets` : `${body.encoding}, ${plural(body.octets, "octet")}`);

export async function showTask(root, { id }) {
  const task = await get(`/api/tasks/${encodeURIComponent(id)}`);
  const shows = JSON.stringify(task);
  if (root.dataset.shows === shows && !task.can.includes("cancel")) return;
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.act : undefined;
  const error = task.report?.error_type ?? task.error_type;
  const message = task.report?.error_message ?? task.error_message;
  const related = task.after.map((each) => el("li", {}, el("a.id", { href: `#/tasks/${each}` }, each)));
  root.replaceChildren(
    el("div.head", {},
      el("div", {},
        el("p.muted", {}, el("a", { href: "#/tasks" }, "Tasks"), " /"),
        el("h1", {}, task.type, " ", pill(task.state)),
        el("p.id", {}, task.id)),
      el("div.actions", {}, actions(task))),
    facts(task),
    ...[
      task.waits && el("p.callout.waiting", {}, el("b", {}, "Why it waits: "), task.waits.text),
      error && el("div.callout.bad", {}, el("b", {}, error), message && el("p", {}, message)),
      el("section", {}, el("h3", {}, "What happened"), timeline(task)),
      task.report?.traceback && block("Traceback", task.report.traceback.trimEnd()),
      task.arguments && block("Called with", pretty(task.arguments), part(task.arguments)),
      task.report?.result && block("Result", pretty(task.report.result), part(task.report.result)),
      Object.keys(task.options).length > 0 && block("Asked for", JSON.stringify(task.options, null, 2)),
      related.length > 0 && el("section", {}, el("h3", {}, "After"), el("ul.plain", {}, related)),
    ].filter(Boolean));
  root.dataset.shows = shows;
  if (focused) root.querySelector(`[data-act="${focused}"]`)?.focus();
}
