/** htmx as a module; its extensions look for it on the window. */

import htmx from "htmx.org/dist/htmx.esm.js";

window.htmx = htmx;
