/** Ctrl+Alt+Shift, pressed and let go together, with no other key between: the way out of a desktop. Pure. */

const PARTS = { Control: "Control", Alt: "Alt", AltGraph: "Alt", Shift: "Shift", Meta: "Alt" };

export class Chord {
  #down = new Set();
  #complete = false;
  #spoilt = false;

  /** Feed a key event; true when the chord is finished (all three are up again). */
  feed({ type, key }) {
    const part = PARTS[key];
    if (type === "keydown") {
      if (!part) this.#spoilt = true;
      else this.#down.add(part);
      if (this.#down.size === 3 && !this.#spoilt) this.#complete = true;
      if (this.#spoilt) this.#complete = false;
      return false;
    }
    if (part) this.#down.delete(part);
    if (this.#down.size > 0) return false;
    const done = this.#complete;
    this.#complete = this.#spoilt = false;
    return done;
  }

  /** The window lost its keys: start over. */
  reset() {
    this.#down.clear();
    this.#complete = this.#spoilt = false;
  }
}
