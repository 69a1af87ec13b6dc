/**
 * Text between the desktop's clipboard and this computer's: by itself where the browser allows it, by the panel's text
 * box where not. `screen()` is the live screen or null. `own` false, on somebody else's desktop: nothing travels by
 * itself, since what is on a guest's clipboard is hers, and what the owner copies need not land on it.
 */

const MOST = 256 * 1024;
const REFUSED = "The browser did not allow reading the clipboard. Paste the text here instead.";

export function clipboard(screen, own = true) {
  const panel = document.getElementById("clipboard-panel");
  if (!panel) return { fromDesktop() {}, sync() {} };
  const box = document.getElementById("clipboard-text");
  const note = document.getElementById("clipboard-note");
  let known = "";

  const send = (text) => {
    known = text.slice(0, MOST);
    screen()?.paste(known);
  };

  async function read() {
    try {
      const text = await navigator.clipboard.readText();
      box.value = text;
      send(text);
      note.textContent = "Ready: paste it on the desktop.";
    } catch {
      note.textContent = REFUSED;
      box.focus();
      box.select();
    }
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(box.value);
      note.textContent = "Copied to this computer.";
    } catch {
      box.select();
      note.textContent = "The browser did not allow copying. The text is selected: copy it with Ctrl+C.";
    }
  }

  box.addEventListener("input", () => {
    send(box.value);
    note.textContent = "Ready: paste it on the desktop.";
  });
  document.getElementById("clipboard-read").addEventListener("click", read);
  document.getElementById("clipboard-copy").addEventListener("click", copy);

  return {
    /** The desktop copied something. */
    async fromDesktop(text) {
      known = box.value = text;
      if (own && document.hasFocus()) await navigator.clipboard?.writeText(text).catch(() => {});
    },
    /** Coming back to the page: bring along what was copied elsewhere, if the person allowed that before. */
    async sync() {
      if (!own) return;
      try {
        const right = await navigator.permissions.query({ name: "clipboard-read" });
        if (right.state !== "granted") return;
        const text = await navigator.clipboard.readText();
        if (!text || text === known) return;
        box.value = text;
        send(text);
      } catch {
        // not a thing of this browser: the panel is there
      }
    },
  };
}
