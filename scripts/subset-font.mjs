/**
 * Cuts a variable font down to what pages write and weigh: Latin-1, the signs in use, weights 400 to 700.
 * Tabular figures and other forms that a page may turn on stay.
 *
 * usage: node scripts/subset-font.mjs NODE_MODULES IN.woff2 OUT.woff2
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, from, to] = process.argv.slice(2);
const subset = createRequire(resolve(modules, "x.js"))("subset-font");

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)).join("");
const SIGNS = "\u0131\u0152\u0153\u02bb\u02bc\u02c6\u02da\u02dc\u2009\u200b\u2013\u2014\u2018-\u201a\u201c-\u201e\u2020-\u2022\u2026\u202f\u2039\u203a\u2044\u2060\u20ac\u2122\u2190-\u2193\u2212\u2215";
const signs = SIGNS.replace(/(.)-(.)/gu, (_, first, last) => range(first.codePointAt(0), last.codePointAt(0)));

const cut = await subset(readFileSync(from), range(0x20, 0x7e) + range(0xa0, 0xff) + signs, {
  targetFormat: "woff2",
  variationAxes: { wght: { min: 400, max: 700, default: 400 } },
});
writeFileSync(to, cut);
