// Asks the scheduler, and says it when something went wrong.
import { el } from "/words.js";

export class Refused extends Error {}

async function ask(method, path, said) {
  const headers = method === "GET" ? {} : { "Wiretask-Request": "1", "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method, headers, body: said === undefined ? undefined : JSON.stringify(said) });
  } catch {
    throw new Refused("the scheduler does not answer; is it running?");
  }
  // The session has ended: what is shown is found again after signing in.
  if (response.status === 401) location.replace(`/login${location.hash}`);
  const answer = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  if (!response.ok) throw new Refused(answer.error);
  return answer;
}

export const get = (path, query = {}) => {
  const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return ask("GET", said.size ? `${path}?${said}` : path);
};
export const post = (path, said) => ask("POST", path, said);
export const remove = (path) => ask("DELETE", path);

/** A line in the corner that goes away. */
export function toast(text, kind = "ok") {
  const line = el(`p.toast.${kind}`, { role: kind === "bad" ? "alert" : null }, text);
  document.querySelector("#toasts").append(line);
  setTimeout(() => line.remove(), kind === "bad" ? 9000 : 5000);
}

/** Asks before something that cannot be taken back. */
export function sure(title, text, verb) {
  const dialog = document.querySelector("#sure");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = text;
  dialog.querySelector("[value=yes]").textContent = verb;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answered) => {
    dialog.addEventListener("close", () => answered(dialog.returnValue === "yes"), { once: true });
  });
}

/** Does something, says how that went, and looks again. */
export async function act(what, done) {
  try {
    toast(done(await what()));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, "bad");
  }
  document.dispatchEvent(new Event("look"));
}
