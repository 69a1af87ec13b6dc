/** Buttons that copy: an address, a number, a text of the page. */

import { toast } from "./toasts.mjs";

export function run() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-text], [data-copy-from]");
    if (!button) return;
    const { copy, copyText, copyFrom } = button.dataset;
    const text = copy ? new URL(copy, location.href).href : copyText ?? document.getElementById(copyFrom).textContent;
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied.");
    } catch {
      toast("The browser did not allow copying.");
    }
  });
}
