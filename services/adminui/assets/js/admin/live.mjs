/**
 * Keeps the live parts of a page fresh: each is asked for again at the pace that it names, at once when the ring sounds
 * or something was changed here, and not at all while nobody looks. htmx fetches and morphs; the server says 304.
 */

import { tell } from "../../../../shared/assets/js/page/clocks.mjs";
import { Ring } from "../../../../shared/assets/js/page/ring.mjs";
import { hear, serverNow } from "../../../../shared/assets/js/page/server_clock.mjs";
import { wait } from "../../../../shared/assets/js/page/pace.mjs";
import { refilter } from "./filters.mjs";

const RUNG = 1000; // many may ring at once: the page asks once a second at most
const LONGEST = 12000;

let ring = null;
let failures = 0;
let heard = 0;
let last = 0;
const timers = new Map();

const parts = () => [...document.querySelectorAll(".live[hx-get]")];

function ask(part) {
  clearTimeout(timers.get(part.id));
  if (document.hidden || !part.isConnected) return;
  timers.set(part.id, setTimeout(() => again(part.id), LONGEST));
  htmx.trigger(part, "refresh");
}

function again(id) {
  const part = document.getElementById(id);
  if (part) ask(part);
}

function later(part) {
  clearTimeout(timers.get(part.id));
  const seconds = wait({ pace: Number(part.dataset.pace), ring: ring?.alive && part.dataset.ring === "rest", failures }, Math.random());
  timers.set(part.id, setTimeout(() => again(part.id), seconds * 1000));
}

function all() {
  last = Date.now();
  parts().forEach(ask);
}

function soon() {
  clearTimeout(heard);
  heard = setTimeout(all, Math.max(80, last + RUNG - Date.now()));
}

function answered(event) {
  const part = event.target;
  if (!part.matches?.(".live")) return;
  const answer = event.detail.ctx.response;
  const status = answer?.status ?? 0;
  if (status > 0) hear(answer.headers?.get("Date"));
  const good = status > 0 && status < 500;
  failures = good ? 0 : failures + 1;
  document.getElementById("away").hidden = good || failures < 2;
  if (good) fresh = serverNow();
  if (status === 404) location.reload(); // what the page is about is gone: it says so
  else later(document.getElementById(part.id) ?? part);
}

let fresh = serverNow();
function told() {
  const place = document.getElementById("updated");
  if (!place) return;
  const seconds = Math.round((serverNow() - fresh) / 1000);
  place.textContent = seconds < 2 ? "just now" : `${seconds}\u00a0s ago`;
}

function dress() {
  for (const part of parts()) tell(part);
  const down = document.querySelector("[data-down]")?.dataset.down;
  const badge = document.getElementById("nodes-down");
  if (badge && down !== undefined) {
    badge.hidden = down === "0";
    badge.firstElementChild.textContent = down;
  }
  refilter();
  told();
}

export function run() {
  document.addEventListener("htmx:config:request", (event) => {
    event.detail.ctx.request.headers["X-Page"] = location.pathname + location.search;
  });
  document.addEventListener("htmx:after:request", answered);
  document.addEventListener("htmx:error", answered);
  document.addEventListener("htmx:after:swap", dress);
  document.addEventListener("visibilitychange", () => document.hidden || all());
  addEventListener("pageshow", (event) => event.persisted && all());
  addEventListener("asci:changed", () => (parts().length && !location.pathname.startsWith("/admin/environments") ? all() : location.reload()));
  setInterval(told, 1000);
  if (!parts().length) return;
  ring = new Ring(soon, (alive) => alive && soon());
  dress();
  parts().forEach(later);
}
