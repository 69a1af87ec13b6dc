/** Filters act while one types or chooses. Without script they are plain forms. */

const PAUSE = 350;
let timer = 0;

/** Whether a row has every word (pure). */
export function fits(text, wanted) {
  const hay = text.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

/** Apply the filters of the page's own rows again, after they were drawn anew. */
export function refilter() {
  for (const field of document.querySelectorAll("[data-filter]")) {
    for (const row of document.querySelectorAll(field.dataset.filter)) row.hidden = !fits(row.textContent, field.value.trim());
  }
}

function send(form) {
  clearTimeout(timer);
  const wanted = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const target = `${new URL(form.action).pathname}${wanted.size ? `?${wanted}` : ""}`;
  if (target === location.pathname + location.search) return;
  const live = document.getElementById("live");
  const path = form.getAttribute("action").replace("/admin/", "/admin/fragments/");
  history.replaceState(null, "", target);
  live.setAttribute("hx-get", `${path}${wanted.size ? `?${wanted}` : ""}`);
  htmx.process(live);
  htmx.ajax("GET", live.getAttribute("hx-get"), { source: live, target: live, swap: "outerMorph" });
}

export function run() {
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-filter]")) return refilter();
    const form = event.target.closest("form[data-auto]");
    if (!form) return;
    clearTimeout(timer);
    timer = setTimeout(() => send(form), event.target.matches("select") ? 0 : PAUSE);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-auto]")) return;
    event.preventDefault();
    send(event.target);
  });
}
