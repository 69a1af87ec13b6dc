/** The keys menu and the row of keys on phones. Latched modifiers let go after the next key. */

export function keys(screen) {
  const latched = new Set();
  const row = document.getElementById("key-row");
  const typed = document.getElementById("typed");
  const altgr = document.getElementById("altgr");
  const button = (name) => row?.querySelector(`[data-latch=${name}]`);

  function latch(name, down) {
    if (down === latched.has(name)) return;
    if (down) latched.add(name);
    else latched.delete(name);
    screen()?.hold(name, down);
    button(name)?.setAttribute("aria-pressed", String(down));
    if (name === "AltGraph") altgr?.setAttribute("aria-checked", String(down));
  }
  const release = () => [...latched].forEach((name) => latch(name, false));

  document.getElementById("keys-menu")?.addEventListener("click", (event) => {
    const item = event.target.closest("[data-send]");
    if (item) screen()?.send(item.dataset.send);
    if (event.target.closest("#altgr")) latch("AltGraph", !latched.has("AltGraph"));
    requestAnimationFrame(() => screen()?.focus());
  });

  row?.addEventListener("click", (event) => {
    const tool = event.target.closest("button");
    if (!tool) return;
    const { latch: name, key } = tool.dataset;
    if (name) latch(name, !latched.has(name));
    else if (key === "keyboard") typed.focus();
    else if (key === "clipboard") document.getElementById("clipboard-panel").togglePopover();
    else {
      screen()?.send(key);
      release();
    }
  });

  // A keyboard on glass tells no keys: the text that appears is sent, and a spare letter lets Backspace be seen.
  const SPARE = " ";
  const rest = () => {
    typed.value = SPARE;
    typed.setSelectionRange(1, 1);
  };
  typed?.addEventListener("focus", rest);
  typed?.addEventListener("input", (event) => {
    if (event.isComposing) return;
    if (typed.value.length < 1) screen()?.send("Backspace");
    else screen()?.type(typed.value.slice(1));
    release();
    rest();
  });
  typed?.addEventListener("compositionend", () => {
    screen()?.type(typed.value.slice(1));
    release();
    rest();
  });
  typed?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Tab" && event.key !== "Escape") return;
    event.preventDefault();
    screen()?.send(event.key);
  });

  return { release, latched };
}
