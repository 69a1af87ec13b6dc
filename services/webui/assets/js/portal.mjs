/** What every page of the portal does. */

import * as capslock from "./page/capslock.mjs";
import * as clocks from "../../../shared/assets/js/page/clocks.mjs";
import * as copying from "../../../shared/assets/js/page/copying.mjs";
import * as dialogs from "../../../shared/assets/js/page/dialogs.mjs";
import * as menus from "../../../shared/assets/js/page/menus.mjs";
import * as people from "./page/people.mjs";
import { forget } from "./page/pictures.mjs";
import * as retry from "../../../shared/assets/js/page/retry.mjs";
import * as shortcuts from "./page/shortcuts.mjs";
import * as starting from "./page/starting.mjs";
import * as theme from "../../../shared/assets/js/page/theme.mjs";

for (const part of [capslock, clocks, copying, dialogs, menus, people, retry, shortcuts, starting, theme]) part.run();

document.querySelector("[data-sign-out]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await Promise.race([forget(), new Promise((resolve) => setTimeout(resolve, 500))]);
  form.submit();
});
