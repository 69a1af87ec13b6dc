/** The overview: as every page, and its two charts. */

import "./admin.mjs";
import * as charts from "./admin/charts.mjs";

charts.run();
