/** Light, dark or the system's, at once; the server keeps the choice in a cookie. */

import { ask } from "./ask.mjs";

export function run() {
  const form = document.querySelector("[data-theme-form]");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = event.submitter?.value ?? "";
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    for (const item of form.querySelectorAll("[role=menuitemradio]")) item.setAttribute("aria-checked", String(item.value === chosen));
    ask(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)) }).catch(() => {});
  });
}
