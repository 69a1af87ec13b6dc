/** Finding a person in the share dialog: results as one types, arrows choose, Enter adds. */

import { ask, Away } from "../../../../shared/assets/js/page/ask.mjs";

const PAUSE = 150;
let timer;
let latest = 0;

const options = (dialog) => [...dialog.querySelectorAll("#found [role=option]")];
const chosen = (dialog) => dialog.querySelector("#found [aria-selected=true]");

function choose(dialog, option) {
  for (const other of options(dialog)) other.setAttribute("aria-selected", String(other === option));
  const field = dialog.querySelector("#person");
  field.setAttribute("aria-expanded", String(Boolean(option)));
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

async function find(field) {
  const dialog = field.closest("dialog");
  const number = ++latest;
  const text = field.value.trim();
  try {
    const answer = await ask(`${field.form.dataset.find}?q=${encodeURIComponent(text)}`);
    if (number !== latest || !answer.ok || !dialog.isConnected) return;
    dialog.querySelector("#found").innerHTML = (await answer.text()).trim();
    choose(dialog, options(dialog)[0]);
  } catch (error) {
    if (!(error instanceof Away)) throw error;
  }
}

function add(dialog, option) {
  const form = dialog.querySelector("#add-form");
  form.elements.username.value = option.dataset.username;
  form.elements.mode.value = dialog.querySelector(".share-find [name=mode]:checked").value;
  dialog.querySelector("#person").value = "";
  form.requestSubmit();
}

export function run() {
  document.addEventListener("input", (event) => {
    if (event.target.id !== "person" || !event.target.closest("dialog")) return;
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE, event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "person") return;
    const dialog = event.target.closest("dialog");
    if (!dialog) return;
    const all = options(dialog);
    const at = all.indexOf(chosen(dialog));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) choose(dialog, all.at((at + (event.key === "ArrowDown" ? 1 : -1)) % all.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (at >= 0) add(dialog, all[at]);
    }
  });
  document.addEventListener("click", (event) => {
    const option = event.target.closest?.("dialog #found [role=option]");
    if (option) add(option.closest("dialog"), option);
  });
  document.addEventListener("submit", (event) => event.target.matches("dialog .share-find") && event.preventDefault());
}
