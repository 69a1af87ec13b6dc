/** Short messages, spoken politely, gone after four seconds. */

const SECONDS = 4;

export function toast(text, seconds = SECONDS) {
  const place = document.getElementById("toasts");
  const note = document.createElement("p");
  note.className = "toast";
  note.textContent = text;
  place.append(note);
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover(); // above an open dialog as well
  while (place.childElementCount > 3) place.firstElementChild.remove();
  setTimeout(() => {
    note.remove();
    if (!place.childElementCount && place.matches(":popover-open")) place.hidePopover();
  }, seconds * 1000);
}
