/** A start by form, a little better with script: the window's size goes along, and a double click starts once. */

import { askedSize } from "../desk/size.mjs";

const BAR = 48;

/** The size that a desktop would have in this window; empty on a phone, where it is scaled. */
export function geometry(width = innerWidth, height = innerHeight) {
  if (width < 640 || height < 420) return "";
  const { w, h } = askedSize(width, height - BAR);
  return `${w}x${h}`;
}

export function run() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-start]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.elements.geometry.value = geometry();
    form.elements.key.value = crypto.randomUUID();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
}
