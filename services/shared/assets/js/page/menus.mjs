/** Popover menus: placed at their button, arrows move in them, the focus goes back to the button. */

const GAP = 6;
const opener = (menu) => document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
const items = (menu) => [...menu.querySelectorAll("[role^=menuitem]")].filter((item) => item.offsetParent !== null || item.getClientRects().length);

/** Put an open menu under (or over) its button, inside the window. */
function place(menu) {
  const button = opener(menu);
  if (!button) return;
  let at = button.getBoundingClientRect();
  if (at.width === 0) at = document.getElementById("more")?.getBoundingClientRect() ?? at;
  const size = menu.getBoundingClientRect();
  const right = at.left + size.width > innerWidth - 8;
  const left = Math.max(8, right ? Math.min(at.right, innerWidth - 8) - size.width : at.left);
  const below = at.bottom + GAP + size.height <= innerHeight - 8 || at.top < size.height + GAP;
  menu.style.left = `${Math.round(left)}px`;
  menu.style.top = `${Math.round(below ? at.bottom + GAP : at.top - GAP - size.height)}px`;
}

function opened(menu) {
  place(menu);
  opener(menu)?.setAttribute("aria-expanded", "true");
  const first = menu.matches("[role=menu]") ? items(menu)[0] : menu.querySelector("textarea, input, button");
  first?.focus({ preventScroll: true });
}

function closed(menu) {
  const button = opener(menu);
  button?.setAttribute("aria-expanded", "false");
  if (menu.contains(document.activeElement) || document.activeElement === document.body) button?.focus({ preventScroll: true });
}

function move(menu, event) {
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all.at(to % all.length)?.focus();
  } else if (event.key === "Tab") {
    menu.hidePopover();
  } else if (event.key.length === 1 && /\S/.test(event.key)) {
    all.find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  }
}

/** One set of listeners for every menu of the page, those of later fragments too. */
export function run() {
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.(".menu")) return;
    if (event.newState === "open") opened(event.target);
    else closed(event.target);
  }, true);
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".menu[role=menu]");
    if (menu) move(menu, event);
  });
  document.addEventListener("click", (event) => {
    const item = event.target.closest?.(".menu[role=menu] [role^=menuitem]");
    if (item) item.closest(".menu").hidePopover();
  });
  addEventListener("resize", () => document.querySelectorAll(".menu:popover-open").forEach(place));
}
