/**
 * Runs the connection machine against the world: tickets from the API, a WebSocket, the viewer, timers.
 * Knows neither the bar nor the words.
 */

import { askApi, Away } from "../../../../shared/assets/js/page/ask.mjs";
import { IDLE, step } from "./connection.mjs";

const TICK = 250;

export class Link {
  state = IDLE;
  screen = null;
  roundTrip = null;
  #socket = null;
  #probed = 0;
  #timer = 0;
  #number = 0;
  #trips = [];

  /** facts: {id, mode()}; viewer(): the module; open(parts): options for the screen; changed(state, link); look(); before(canvas) */
  constructor(options) {
    Object.assign(this, options);
    addEventListener("online", () => this.#feed({ type: "online" }));
    addEventListener("offline", () => this.#feed({ type: "offline" }));
    document.addEventListener("visibilitychange", () => document.hidden || this.#feed({ type: "visible" }));
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.state.phase !== "idle" && this.start());
  }

  start() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#feed({ type: "tick" }), TICK);
    this.#feed({ type: "start", offline: navigator.onLine === false });
  }

  tryNow() {
    this.#feed({ type: "now" });
  }

  stop() {
    clearInterval(this.#timer);
    this.#feed({ type: "stop" });
  }

  #feed(event) {
    const before = this.state;
    const [state, effects] = step(before, event, { now: performance.now(), random: Math.random() });
    this.state = state;
    for (const effect of effects) this.#act(effect);
    if (state !== before && (event.type !== "bytes" || before.probeAt)) this.changed(this.state, this);
    else if (event.type === "tick" && state.phase !== "live") this.changed(this.state, this);
  }

  #act(effect) {
    if (effect === "ask") this.#ask();
    else if (effect === "drop") this.#drop();
    else if (effect === "look") this.look();
    else {
      this.#probed = performance.now();
      this.screen?.probe();
    }
  }

  async #ask() {
    const number = ++this.#number;
    const [answer, viewer] = await Promise.all([this.#ticket(), this.viewer()]).catch(() => [{ status: 0 }]);
    if (number !== this.#number) return;
    if (answer.status !== 201) {
      const retryAfter = Number(answer.headers?.get("Retry-After")) || 0;
      this.#feed({ type: "refused", status: answer.status, retryAfter });
      return;
    }
    this.#feed({ type: "ticket" });
    if (this.state.phase === "joining") this.#join(answer.body, viewer);
  }

  async #ticket() {
    try {
      return await askApi("POST", `/instances/${this.id}/connections`, { mode: this.mode() }, 6);
    } catch (error) {
      if (error instanceof Away) return { status: 0 };
      throw error;
    }
  }

  #join({ url, password, mode }, viewer) {
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("close", (event) => socket === this.#socket && this.#feed({ type: "closed", code: event.code, reason: event.reason }));
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return socket.close();
      this.screen = viewer.openScreen({
        ...this.open(mode), socket, password,
        on: {
          picture: () => socket === this.#socket && this.#live(),
          bytes: () => socket === this.#socket && this.#bytes(),
          failed: () => {},
          clipboard: (text) => this.clipboard?.(text),
        },
      });
    });
  }

  #live() {
    this.#feed({ type: "picture" });
  }

  #bytes() {
    if (this.#probed) {
      this.#trips = [...this.#trips.slice(-2), performance.now() - this.#probed];
      this.roundTrip = Math.min(...this.#trips);
      this.#probed = 0;
    }
    if (this.state.phase === "live") this.#feed({ type: "bytes" });
  }

  #drop() {
    this.#number += 1;
    const { screen } = this;
    const socket = this.#socket;
    this.screen = this.#socket = null;
    this.#probed = 0;
    if (screen) {
      this.before(screen.canvas, this.state);
      screen.close();
    }
    if (socket && socket.readyState < WebSocket.CLOSING) socket.close();
  }
}
