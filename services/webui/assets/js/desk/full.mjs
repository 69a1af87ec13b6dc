/** Full screen: the keyboard goes along where the browser can lock it; the bar hides and comes back at the top edge. */

import { toast } from "../../../../shared/assets/js/page/toasts.mjs";

const HIDE = 2000;

export function full(focus) {
  const body = document.body;
  const edge = document.createElement("div");
  edge.className = "full-edge";
  document.getElementById("main").append(edge);
  let timer = 0;

  const rest = () => {
    clearTimeout(timer);
    body.classList.remove("hush");
    timer = setTimeout(() => body.classList.add("hush"), HIDE);
  };

  async function enter() {
    await document.documentElement.requestFullscreen({ navigationUI: "hide" });
    await navigator.keyboard?.lock?.().catch(() => {});
    toast(navigator.keyboard?.lock ? "Hold Esc to leave. The bar is at the top edge." : "Esc leaves. The bar is at the top edge.");
    focus();
  }

  edge.addEventListener("pointerenter", rest);
  document.querySelector(".bar").addEventListener("pointermove", rest);
  document.addEventListener("fullscreenchange", () => {
    const on = Boolean(document.fullscreenElement);
    body.classList.toggle("full", on);
    clearTimeout(timer);
    body.classList.remove("hush");
    if (on) rest();
    else navigator.keyboard?.unlock?.();
    const word = document.querySelector("#full .tool-word");
    if (word) word.textContent = on ? "Leave full screen" : "Full screen";
  });

  return {
    toggle: () => (document.fullscreenElement ? document.exitFullscreen() : enter().catch(() => toast("This browser does not allow full screen."))),
    showBar: rest,
  };
}
