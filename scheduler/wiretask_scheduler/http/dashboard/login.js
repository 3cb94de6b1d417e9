// Signs in: a token for a cookie that no script can read. Whoever has one already goes on.
const form = document.querySelector("form");
const problem = form.querySelector("[role=alert]");
const button = form.querySelector("button");

try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* as the system has it */ }

const onward = () => location.replace(`/${location.hash}`);

function complain(text) {
  problem.textContent = text;
  problem.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  button.disabled = true;
  try {
    const answer = await fetch("/api/session", {
      method: "POST",
      headers: { "Wiretask-Request": "1", "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    if (answer.ok) return onward();
    complain((await answer.json()).error);
  } catch {
    complain("the scheduler does not answer; is it running?");
  }
  button.disabled = false;
  form.token.value = "";
  form.token.focus();
});

// A link of another page brings no cookie along, and leads here although somebody has signed in.
const known = await fetch("/api/session").then((answer) => answer.json()).catch(() => ({ wants_tokens: true }));
if (known.signed_in || !known.wants_tokens) onward();
