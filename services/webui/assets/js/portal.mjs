/** What every page of the portal does. */

import * as capslock from "./page/capslock.mjs";
import * as clocks from "./page/clocks.mjs";
import * as copying from "./page/copying.mjs";
import * as dialogs from "./page/dialogs.mjs";
import * as menus from "./page/menus.mjs";
import * as people from "./page/people.mjs";
import { forget } from "./page/pictures.mjs";
import * as shortcuts from "./page/shortcuts.mjs";
import * as starting from "./page/starting.mjs";
import * as theme from "./page/theme.mjs";

for (const part of [capslock, clocks, copying, dialogs, menus, people, shortcuts, starting, theme]) part.run();

document.querySelector("[data-sign-out]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await Promise.race([forget(), new Promise((resolve) => setTimeout(resolve, 500))]);
  form.submit();
});

if (document.querySelector("[data-retry]")) {
  const look = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (answer && answer.status < 500) location.reload();
  };
  setInterval(() => document.hidden || look(), 4000);
}
