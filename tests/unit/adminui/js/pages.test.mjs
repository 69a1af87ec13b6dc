import assert from "node:assert/strict";
import { test } from "node:test";
import { fits } from "../../../../services/adminui/assets/js/admin/filters.mjs";
import { stack } from "../../../../services/adminui/assets/js/admin/stack.mjs";

test("each line stands on those before it", () => {
  assert.deepEqual(stack([[1, 2], [3, 4], [0, 1]]), [[1, 2], [4, 6], [4, 7]]);
});

test("what is unknown is a gap in all that stands on it", () => {
  assert.deepEqual(stack([[1, null], [3, 4]]), [[1, null], [4, null]]);
  assert.deepEqual(stack([[1, 2], [null, 4]]), [[1, 2], [null, 6]]);
});

test("a row is found by all its words", () => {
  assert.equal(fits("gpu-07 Active model=a40", "A40 gpu"), true);
  assert.equal(fits("gpu-07 Active", "cpu"), false);
  assert.equal(fits("gpu-07", ""), true);
});
