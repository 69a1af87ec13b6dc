/**
 * Links marked data-dialog open their page's part as a dialog; forms marked data-inline are sent without leaving.
 * Without this script both are plain pages. The server answers 204 with X-Toast when it is done, or the part again.
 */

import { ask, Away } from "./ask.mjs";
import { tell } from "./clocks.mjs";
import { toast } from "./toasts.mjs";

const LOST = "We lost contact with ASCI. Nothing was changed. Try again.";

function put(html, opener) {
  const place = document.getElementById("dialogs");
  place.innerHTML = html;
  const dialog = place.querySelector("dialog");
  if (!dialog) {
    toast(place.textContent.trim() || LOST);
    place.replaceChildren();
    return;
  }
  dialog.addEventListener("close", () => {
    dialog.remove();
    const back = opener?.isConnected ? opener : opener?.id && document.getElementById(opener.id);
    back?.focus?.();
    dispatchEvent(new CustomEvent("asci:closed"));
  });
  dialog.showModal();
  tell(dialog);
  dialog.querySelector("[autofocus]")?.focus();
  dialog.querySelector("input[type=text][autofocus], input:not([type])[autofocus]")?.select?.();
}

/** Swap a dialog's content for a fresh part of the same dialog; focus stays on what has the same id. */
function refill(dialog, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("dialog");
  if (!fresh) return false;
  const focused = document.activeElement?.id;
  const typed = dialog.querySelector("#person")?.value;
  const mode = dialog.querySelector("[name=mode]:checked")?.value;
  dialog.replaceChildren(...fresh.childNodes);
  tell(dialog);
  const field = dialog.querySelector("#person");
  if (field && typed !== undefined && focused !== "person") field.value = typed;
  if (mode) dialog.querySelector(`[name=mode][value=${mode}]`)?.click();
  (focused && dialog.querySelector(`#${CSS.escape(focused)}`) || dialog.querySelector("[autofocus]"))?.focus();
  return true;
}

/** Open the dialog of a page. */
export async function open(path, opener) {
  try {
    const answer = await ask(path);
    put(await answer.text(), opener);
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    toast(LOST);
  }
}

/** A toast for the eye; the dialog's own status speaks, since everything outside of a modal dialog is silent. */
function speak(status) {
  const said = status?.textContent;
  if (!said) return;
  toast(said);
  status.textContent = "";
  setTimeout(() => { status.textContent = said; }, 100);
}

async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const dialog = form.closest("dialog");
  const path = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(path, { method: "POST", body: new URLSearchParams(data) });
    if (answer.status === 204) {
      dialog?.close();
      const text = decodeURIComponent(answer.headers.get("X-Toast") ?? "");
      if (text) toast(text);
      dispatchEvent(new CustomEvent("asci:changed", { detail: { form: path } }));
      if (form.dataset.leave) location.assign(form.dataset.leave);
      return;
    }
    const html = await answer.text();
    if (dialog && refill(dialog, html)) {
      speak(dialog.querySelector("[role=status]"));
      if (answer.ok) dispatchEvent(new CustomEvent("asci:changed", { detail: { form: path } }));
    } else {
      toast(new DOMParser().parseFromString(html, "text/html").body.textContent.trim().replace(/\s+/g, " ") || LOST, 8);
    }
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    toast(LOST);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

export function run() {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest?.("a[data-dialog]");
    if (link) {
      event.preventDefault();
      const menu = link.closest(".menu");
      open(link.getAttribute("href"), menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : link);
    }
    const closer = event.target.closest?.("dialog [data-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog").close();
    }
    if (event.target instanceof HTMLDialogElement && outside(event.target, event)) event.target.close();
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-inline]")) return;
    event.preventDefault();
    if (event.target.getAttribute("aria-busy") !== "true") send(event.target, event.submitter);
  });
  document.addEventListener("change", (event) => event.target.closest?.("form[data-on-change]")?.requestSubmit());
}

function outside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}
