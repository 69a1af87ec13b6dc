/** Says when caps lock is on in a password field. */

export function run() {
  const note = document.getElementById("caps");
  if (!note) return;
  for (const field of document.querySelectorAll("input[type=password]")) {
    const look = (event) => {
      note.hidden = !event.getModifierState?.("CapsLock");
    };
    field.addEventListener("keydown", look);
    field.addEventListener("keyup", look);
    field.addEventListener("blur", () => {
      note.hidden = true;
    });
  }
}
