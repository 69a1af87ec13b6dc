/** The catalogue's search while one types; the address follows, so that it can be kept. Works as ?q= without script. */

/** Whether an entry fits: every word of the search somewhere in its text, and the kind (empty: all). Pure. */
export function fits(entry, text, kind) {
  return (!kind || entry.kind === kind) && text.toLowerCase().split(/\s+/).every((word) => entry.text.includes(word));
}

export function apply() {
  const field = document.getElementById("q");
  const kind = document.querySelector(".chip[aria-pressed=true]")?.value ?? "";
  const text = field.value.trim();
  let shown = 0;
  for (const card of document.querySelectorAll("#environments > li")) {
    card.hidden = !fits({ kind: card.dataset.kind, text: card.dataset.text }, text, kind);
    shown += card.hidden ? 0 : 1;
  }
  document.getElementById("no-hit").hidden = shown > 0;
  document.getElementById("no-hit-text").textContent = text;
  document.getElementById("found-count").textContent = text || kind ? `${shown} found` : "";
  const wanted = new URLSearchParams({ ...(text ? { q: text } : {}), ...(kind ? { kind } : {}) });
  history.replaceState(null, "", wanted.size ? `/?${wanted}` : "/");
}

export function run() {
  document.querySelector(".refusal")?.closest(".card").scrollIntoView({ block: "center" });
  document.addEventListener("input", (event) => event.target.id === "q" && apply());
  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.("#finder .chip");
    if (!chip) return;
    event.preventDefault();
    for (const other of document.querySelectorAll("#finder .chip")) other.setAttribute("aria-pressed", String(other === chip));
    apply();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "finder") return;
    event.preventDefault();
    apply();
    const first = document.querySelector("#environments > li:not([hidden]) button:not(:disabled)");
    first?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "q" || event.key !== "Escape") return;
    event.target.value = "";
    apply();
  });
  // the noVNC bundle loads while the pointer is still on its way to Start
  document.addEventListener("pointerover", preload);
  document.addEventListener("focusin", preload);
}

function preload(event) {
  if (!event.target.closest?.("form[data-start], .session .actions")) return;
  const source = document.querySelector("meta[name=asci-viewer]");
  if (!source || source.dataset.done) return;
  source.dataset.done = "yes";
  const link = document.createElement("link");
  link.rel = "modulepreload";
  link.href = source.content;
  document.head.append(link);
}
