/** The sign-in page: caps lock, the countdown of a lock, and no pictures of anybody before. */

import * as capslock from "./page/capslock.mjs";
import { duration } from "../../../shared/assets/js/page/numbers.mjs";
import { forget } from "./page/pictures.mjs";

capslock.run();
forget();

const left = document.querySelector("[data-countdown]");
if (left) {
  const button = document.querySelector("[data-sign-in] button[type=submit]");
  const end = Date.now() + Number(left.dataset.countdown) * 1000;
  button.disabled = true;
  const timer = setInterval(() => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    left.textContent = duration(seconds);
    if (seconds > 0) return;
    clearInterval(timer);
    button.disabled = false;
    left.closest("p").textContent = "You can try again now.";
  }, 500);
}
