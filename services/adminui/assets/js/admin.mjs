/** What every page for administrators does: it follows the cluster, and its questions are dialogs. */

import * as clocks from "../../../shared/assets/js/page/clocks.mjs";
import * as copying from "../../../shared/assets/js/page/copying.mjs";
import * as dialogs from "../../../shared/assets/js/page/dialogs.mjs";
import * as menus from "../../../shared/assets/js/page/menus.mjs";
import * as retry from "../../../shared/assets/js/page/retry.mjs";
import * as theme from "../../../shared/assets/js/page/theme.mjs";
import "../../../shared/assets/js/page/htmx.mjs";
import "htmx.org/dist/ext/hx-ptag.js";
import * as filters from "./admin/filters.mjs";
import * as live from "./admin/live.mjs";

const here = document.querySelector(".side-nav [aria-current]");
here?.parentElement.scrollTo({ left: here.offsetLeft - 16 }); // a row on phones: the page's own name is seen

for (const part of [clocks, copying, dialogs, filters, live, menus, retry, theme]) part.run();
