/** A toolbar: one tab stop, arrows move in it, Esc leaves it. */

const tools = (bar) => [...bar.querySelectorAll("a[href], button, input")].filter((tool) => tool.getClientRects().length);

/** Let arrows move in `bar`; `leave` is called at Esc. Gives {enter}. */
export function toolbar(bar, leave) {
  let current = null;
  const stop = (tool) => {
    current = tool;
    for (const other of bar.querySelectorAll("a[href], button")) other.tabIndex = other === tool ? 0 : -1;
  };
  stop(bar.querySelector("#share") ?? tools(bar)[0]);
  bar.addEventListener("focusin", (event) => event.target.matches("a, button") && stop(event.target));
  bar.addEventListener("keydown", (event) => {
    if (event.target.matches("input")) return;
    const all = tools(bar);
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all.at(to % all.length)?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      leave();
    }
  });
  return {
    enter() {
      const all = tools(bar);
      (all.includes(current) ? current : all[0])?.focus();
    },
  };
}
