/** Follows the session's state: asks with a tag at the paces of pace.mjs, at once when the ring or the page says so. */

import { ask, Away } from "../../../../shared/assets/js/page/ask.mjs";
import { Ring } from "../../../../shared/assets/js/page/ring.mjs";
import { pace } from "./pace.mjs";

const BACK_OFF = [2000, 4000, 8000, 15000, 30000];

export class Follower {
  #timer = 0;
  #failures = 0;
  #asking = false;
  #again = false;
  #began = performance.now();

  /** changed(facts); gone(): not there or not ours any more; contact(lost) */
  constructor({ id, tag, state, changed, gone, contact }) {
    Object.assign(this, { id, tag: `W/"${tag}"`, state, changed, gone, contact });
    this.ring = new Ring((ring) => (ring.topic === "all" || ring.id === id) && this.now(), () => this.#later());
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
    this.#later();
  }

  /** Ask now. */
  now() {
    clearTimeout(this.#timer);
    if (this.#asking) this.#again = true;
    else this.#ask();
  }

  async #ask() {
    this.#asking = true;
    try {
      const answer = await ask(`/s/${this.id}/state`, { headers: { "If-None-Match": this.tag }, cache: "no-store" });
      if (answer.status === 200) this.#take(answer.headers.get("ETag"), await answer.json());
      this.#heard(answer.status >= 500);
    } catch (error) {
      if (!(error instanceof Away) && !(error instanceof SyntaxError)) throw error;
      this.#heard(true);
    } finally {
      this.#asking = false;
      this.#later();
    }
  }

  #take(tag, facts) {
    this.tag = tag;
    if (facts.state !== this.state) this.#began = performance.now();
    this.state = facts.state;
    if (facts.phase === "gone") this.gone();
    else this.changed(facts);
  }

  #heard(failed) {
    this.#failures = failed ? this.#failures + 1 : 0;
    this.contact(this.#failures > 1);
  }

  #later() {
    clearTimeout(this.#timer);
    if (this.#again) {
      this.#again = false;
      this.#ask();
      return;
    }
    if (this.#asking || document.hidden) return;
    const waited = performance.now() - this.#began;
    const wait = this.#failures ? BACK_OFF[Math.min(this.#failures, BACK_OFF.length) - 1] : pace(this.state, waited, this.ring?.alive);
    this.#timer = setTimeout(() => this.now(), wait * (0.95 + Math.random() * 0.1));
  }
}
