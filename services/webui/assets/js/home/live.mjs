/** Keeps "My sessions" fresh: by the ring at once, by polling at the server's pace under it. htmx fetches and morphs. */

import { tell } from "../../../../shared/assets/js/page/clocks.mjs";
import { show, tidy } from "../page/pictures.mjs";
import { Ring } from "../../../../shared/assets/js/page/ring.mjs";
import { hear } from "../../../../shared/assets/js/page/server_clock.mjs";
import { wait } from "../../../../shared/assets/js/page/pace.mjs";

const region = () => document.getElementById("sessions");
let failures = 0;
let timer = 0;
let ring = null;

function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  timer = setTimeout(ask, 12000);
  htmx.trigger(region(), "refresh");
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, wait({ pace: Number(region().dataset.pace), ring: ring?.alive, failures }, Math.random()) * 1000);
}

function answered(event) {
  if (event.target !== region()) return;
  const status = event.detail.ctx.response?.status ?? 0;
  if (status > 0) hear(event.detail.ctx.response.headers?.get("Date"));
  const good = status > 0 && status < 500;
  failures = good ? 0 : failures + 1;
  document.getElementById("away").hidden = good || failures < 2;
  later();
}

function dress() {
  tell(region());
  for (const canvas of region().querySelectorAll("canvas[data-picture]")) show(canvas);
}

function heard({ topic }) {
  if (topic === "catalogue" || topic === "all") htmx.trigger(document.getElementById("catalogue"), "refresh");
  if (topic === "notice" || topic === "all") refreshNotice();
  if (topic === "instance" || topic === "all") soon();
}

let rung = 0;
function soon() {
  clearTimeout(rung);
  rung = setTimeout(ask, 60);
}

async function refreshNotice() {
  const answer = await fetch("/fragments/notice", { headers: { "X-Inline": "1" }, credentials: "same-origin" }).catch(() => null);
  if (answer?.ok) document.getElementById("notice").outerHTML = await answer.text();
}

export function run() {
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id === "catalogue") {
      for (const [name, value] of new URLSearchParams(location.search)) ctx.request.body.set(name, value);
    }
    ctx.request.headers["X-Page"] = location.pathname;
    if (ctx.sourceElement === region()) {
      ctx.request.body.set("order", [...region().querySelectorAll(".card.session")].map((card) => card.id.slice(2)).join(","));
    }
  });
  document.addEventListener("htmx:after:request", answered);
  document.addEventListener("htmx:error", answered);
  document.addEventListener("htmx:after:swap", dress);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  addEventListener("pageshow", (event) => event.persisted && ask());
  addEventListener("asci:changed", ask);
  ring = new Ring(heard, (alive) => (alive ? ask() : later()));
  dress();
  tidy(new Set([...region().querySelectorAll("[data-picture]")].map((canvas) => canvas.dataset.picture)));
  later();
}
