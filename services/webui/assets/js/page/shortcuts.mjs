/** `/` searches, `?` lists the shortcuts. Never while somebody types. */

const KEYS = [
  ["/", "Search the catalogue"],
  ["?", "This list"],
  ["Tab", "To the next button, link or field"],
  ["↑ ↓", "Move in an open menu"],
  ["Esc", "Close a menu or dialog"],
  ["Ctrl+Alt+Shift", "On a desktop: to the bar above it"],
];

function list() {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "keys-title");
  dialog.innerHTML = '<header class="dialog-head"><h2 id="keys-title">Keyboard shortcuts</h2></header><div class="dialog-body"><dl class="keys"></dl></div><footer class="dialog-foot"><button class="button primary" type="button" data-close autofocus>Done</button></footer>';
  for (const [keys, words] of KEYS) {
    const row = document.createElement("div");
    row.innerHTML = "<dt></dt><dd></dd>";
    row.firstChild.append(...keys.split(/([ +])/).map((key) => {
      if (key === " " || key === "+") return key;
      const cap = document.createElement("kbd");
      cap.textContent = key;
      return cap;
    }));
    row.lastChild.textContent = words;
    dialog.querySelector("dl").append(row);
  }
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function run() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog, [popover]")) return;
    if (event.key === "/" && document.getElementById("q")) {
      event.preventDefault();
      document.getElementById("q").focus();
    } else if (event.key === "?") {
      event.preventDefault();
      list();
    }
  });
}
