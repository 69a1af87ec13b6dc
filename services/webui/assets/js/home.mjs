/** Home: what every page does, and the list follows by itself, the search filters while one types. */

import "./portal.mjs";
import "../../../shared/assets/js/page/htmx.mjs";
import "htmx.org/dist/ext/hx-ptag.js";
import * as live from "./home/live.mjs";
import * as search from "./home/search.mjs";

search.run();
live.run();
