/**
 * The ring: a WebSocket that only says that something changed. While it lives, pages need hardly poll.
 * It comes back by itself: 1, 2, 4 … 30 s with jitter, at once when the network or the page returns.
 */

const LONGEST = 30;

export class Ring {
  alive = false;
  #socket = null;
  #failures = 0;
  #timer = 0;

  /** heard({topic, id, revision}); changed(alive) */
  constructor(heard, changed = () => {}) {
    this.heard = heard;
    this.changed = changed;
    addEventListener("online", () => this.#again(0));
    document.addEventListener("visibilitychange", () => document.hidden || this.alive || this.#again(0));
    addEventListener("pagehide", () => this.#socket?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#again(0));
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/connect/events`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#set(true);
    };
    socket.onmessage = (event) => {
      try {
        this.heard(JSON.parse(event.data));
      } catch {
        this.heard({ topic: "all" });
      }
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#set(false);
      this.#failures += 1;
      this.#again(Math.min(2 ** (this.#failures - 1), LONGEST));
    };
  }

  #set(alive) {
    if (alive === this.alive) return;
    this.alive = alive;
    this.changed(alive);
  }

  #again(seconds) {
    if (this.#socket && seconds === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), seconds * 1000 * (0.75 + Math.random() / 2));
  }
}
