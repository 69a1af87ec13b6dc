/** Home: the list follows by itself, the search filters while one types. */

import "./home/htmx.mjs";
import "htmx.org/dist/ext/hx-ptag.js";
import * as live from "./home/live.mjs";
import * as search from "./home/search.mjs";

search.run();
live.run();
