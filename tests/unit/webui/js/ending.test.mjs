import assert from "node:assert/strict";
import { test } from "node:test";
import { endsIn, keepable, stage, tabTitle, warning } from "../../../../services/shared/assets/js/page/ending.mjs";
import { hear, serverNow } from "../../../../services/shared/assets/js/page/server_clock.mjs";
import { stillWorks } from "../../../../services/webui/assets/js/desk/sentences.mjs";

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const at = (left, life = 48 * HOUR) => stage({ now: 0, expires: left, created: left - life });
const plain = (text) => text.replaceAll("\u00a0", " ");

test("warnings at 24 hours and at 30 minutes", () => {
  assert.deepEqual([25 * HOUR, 24 * HOUR, 31 * MINUTE, 30 * MINUTE, 1, 0, -1, NaN].map((left) => at(left)), ["", "day", "day", "half", "half", "", "", ""]);
  assert.equal(at(8 * HOUR, 12 * HOUR), "", "a short life is no surprise");
  assert.equal(at(15 * MINUTE, 12 * HOUR), "half");
});

test("its words", () => {
  assert.equal(plain(endsIn(15 * MINUTE)), "This session ends in 15 minutes.");
  assert.equal(plain(endsIn(20000)), "This session ends in 1 minute.");
  assert.equal(plain(endsIn(23 * HOUR + 12 * MINUTE)), "This session ends in 23 h 12 min.");
  assert.equal(plain(tabTitle(30 * MINUTE, "Tomography")), "Ends in 30 min · Tomography");
  assert.equal(plain(tabTitle(23 * HOUR + 12 * MINUTE, "Tomography")), "Ends in 23 h · Tomography");
});

test("who is warned, and who can keep it", () => {
  assert.deepEqual(warning(MINUTE, "half", "owner").actions, ["keep", "later"]);
  assert.deepEqual(warning(MINUTE, "half", "control").actions, ["later"]);
  assert.equal(warning(MINUTE, "half", "view"), null);
  assert.equal(warning(MINUTE, "", "owner"), null);
});

test("keeping is offered where it gains", () => {
  assert.equal(keepable(0, 7 * 24 * HOUR - 2 * HOUR), true);
  assert.equal(keepable(0, 7 * 24 * HOUR - MINUTE), false);
  assert.equal(keepable(0, NaN), false);
  assert.equal(keepable(0, 20 * 24 * HOUR, 28 * 24 * HOUR), true);
  assert.equal(keepable(0, 28 * 24 * HOUR - MINUTE, 28 * 24 * HOUR), false);
});

test("the server's clock, not the reader's", () => {
  hear("Tue, 24 Nov 2026 09:00:00 GMT", 5000);
  assert.equal(serverNow(6000), Date.parse("2026-11-24T09:00:01Z"));
  hear("2026-11-24T09:00:01Z", 7000);
  assert.equal(serverNow(7000), Date.parse("2026-11-24T09:00:02Z"), "the way here changes nothing");
  hear(null);
  hear("no time");
  assert.equal(serverNow(7000), Date.parse("2026-11-24T09:00:02Z"));
});

test("a silent node beside a desktop that works", () => {
  assert.equal(stillWorks("local").title, "Node local does not answer. Your desktop still does.");
});
