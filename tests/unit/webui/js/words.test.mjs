import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { duration } from "../../../../services/shared/assets/js/page/numbers.mjs";
import { askedSize } from "../../../../services/webui/assets/js/desk/size.mjs";
import { geometry } from "../../../../services/webui/assets/js/page/starting.mjs";
import { wait } from "../../../../services/shared/assets/js/page/pace.mjs";
import { fits } from "../../../../services/webui/assets/js/home/search.mjs";
import { Chord } from "../../../../services/webui/assets/js/desk/chord.mjs";
import { IDLE } from "../../../../services/webui/assets/js/desk/connection.mjs";
import { pace } from "../../../../services/webui/assets/js/desk/pace.mjs";
import { changes } from "../../../../services/webui/assets/js/desk/presence.mjs";
import { mark, sentence } from "../../../../services/webui/assets/js/desk/sentences.mjs";

const DURATIONS = JSON.parse(readFileSync(new URL("../durations.json", import.meta.url)));

test("durations are those of the pages", () => {
  for (const [seconds, words] of DURATIONS) assert.equal(duration(seconds).replaceAll("\u00a0", " "), words);
});

test("the size of a window as a desktop's size", () => {
  assert.equal(geometry(1280, 800), "1280x752");
  assert.equal(geometry(390, 844), "", "a phone scales");
  assert.equal(geometry(844, 390), "", "a phone on its side as well");
  assert.equal(geometry(5120, 2880), "3840x2160");
});

test("when home asks next", () => {
  assert.equal(wait({ pace: 10, ring: false, failures: 0 }, 0.5), 10);
  assert.equal(wait({ pace: 1, ring: true, failures: 0 }, 0.5), 60);
  assert.ok(Math.abs(wait({ pace: 10, ring: false, failures: 0 }, 0) - 9) < 1e-9);
  assert.deepEqual([1, 2, 3, 4, 5, 9].map((failures) => wait({ pace: 1, ring: true, failures }, 0.5)), [2, 4, 8, 16, 30, 30]);
});

test("when the waiting room asks next", () => {
  assert.equal(pace("starting", 0, false), 200);
  assert.equal(pace("starting", 10001, false), 500);
  assert.equal(pace("pulling", 30001, true), 1000);
  assert.equal(pace("queued", 0, false), 3000);
  assert.ok(pace("running", 0, true) > pace("running", 0, false));
});

test("search", () => {
  const entry = { kind: "desktop", text: "linux desktop napari tomography" };
  assert.equal(fits(entry, "", ""), true);
  assert.equal(fits(entry, "Tomo napari", ""), true);
  assert.equal(fits(entry, "tomoxx", ""), false);
  assert.equal(fits(entry, "napari", "web"), false);
});

const chord = (...keys) => {
  const one = new Chord();
  return keys.map((key) => one.feed({ type: key.startsWith("-") ? "keyup" : "keydown", key: key.replace(/^[-+]/, "") })).at(-1);
};

test("the chord, in any order", () => {
  assert.equal(chord("+Control", "+Alt", "+Shift", "-Shift", "-Alt", "-Control"), true);
  assert.equal(chord("+Shift", "+Control", "+Alt", "-Control", "-Shift", "-Alt"), true);
  assert.equal(chord("+Control", "+Shift", "+Meta", "-Meta", "-Shift", "-Control"), true, "Alt with Shift is Meta on some keyboards");
});

test("no chord with another key, or with two of three", () => {
  assert.equal(chord("+Control", "+Alt", "+Shift", "+t", "-t", "-Shift", "-Alt", "-Control"), false);
  assert.equal(chord("+Control", "+Alt", "-Alt", "-Control"), false);
  assert.equal(chord("+Control", "+Alt", "+Shift", "-Shift", "-Alt"), false, "not before all are up");
});

test("a chord that was spoilt can be pressed again", () => {
  const one = new Chord();
  for (const [type, key] of [["keydown", "Control"], ["keydown", "c"], ["keyup", "c"], ["keyup", "Control"]]) one.feed({ type, key });
  let done = false;
  for (const [type, key] of [["keydown", "Control"], ["keydown", "Alt"], ["keydown", "Shift"], ["keyup", "Shift"], ["keyup", "Alt"], ["keyup", "Control"]]) done = one.feed({ type, key });
  assert.equal(done, true);
});

const person = (username, mode = "view") => ({ username, name: username.toUpperCase(), mode });

test("who came and who left", () => {
  assert.deepEqual(changes([person("me")], [person("me"), person("jun")], "me"), ["JUN joined, watching."]);
  assert.deepEqual(changes([], [person("jun", "control")], "me"), ["JUN joined, controlling."]);
  assert.deepEqual(changes([person("jun")], [], "me"), ["JUN left."]);
  assert.deepEqual(changes([person("me")], [], "me"), []);
  assert.deepEqual(changes([person("jun")], [person("jun", "control")], "me"), []);
});

const MINE = { owner: "Mara", mine: true };
const GUEST = { owner: "Mara", mine: false };

test("nothing stands over a live desktop", () => {
  assert.equal(sentence({ ...IDLE, phase: "live" }, 0, MINE), null);
});

test("the first connection says after 3 s what it waits for", () => {
  const asking = { ...IDLE, phase: "asking", since: 1000 };
  assert.equal(sentence(asking, 2000, MINE).title, "Connecting…");
  assert.match(sentence(asking, 4500, MINE).title, /^Connecting: /);
});

test("a cut tells that the desktop runs, the try and the seconds", () => {
  const words = sentence({ ...IDLE, phase: "waiting", seen: true, attempt: 2, nextAt: 3000 }, 100, MINE);
  assert.equal(words.title, "The connection was cut");
  assert.equal(words.text, "Your desktop keeps running. Connecting again, try 2, next in 3\u00a0s.");
  assert.deepEqual(words.actions, ["now"]);
});

test("a hop has its own title", () => {
  assert.equal(sentence({ ...IDLE, phase: "waiting", attempt: 1, hop: "vnc" }, 0, MINE).title, "The desktop runs but shows no picture yet");
  assert.equal(sentence({ ...IDLE, phase: "waiting", seen: true, attempt: 1, hop: "update" }, 0, MINE).title, "ASCI was updated");
});

test("how it can end", () => {
  const over = (end, who) => sentence({ ...IDLE, phase: "over", end }, 0, who);
  assert.equal(over("revoked", GUEST).title, "Mara ended your access to this desktop");
  assert.deepEqual(over("put-out", GUEST).actions, ["again", "home"]);
  assert.match(over("put-out", MINE).text, /administrator/);
  assert.deepEqual(over("signed-out", MINE).actions, ["signin"]);
  assert.deepEqual(over("ended", MINE).actions, []);
  assert.match(sentence({ ...IDLE, phase: "offline" }, 0, MINE).title, /offline/);
});

test("the mark in the bar", () => {
  assert.equal(mark({ ...IDLE, phase: "live" }).word, "Connected");
  assert.equal(mark({ ...IDLE, phase: "waiting", seen: true }).word, "Reconnecting");
  assert.equal(mark({ ...IDLE, phase: "asking" }).word, "Connecting");
  assert.equal(mark(IDLE), null);
});

test("a desktop is never asked to be too small for its panel or larger than it may be", () => {
  assert.deepEqual(askedSize(390.5, 700), { w: 640, h: 700 });
  assert.deepEqual(askedSize(1280.9, 752.2), { w: 1280, h: 752 });
  assert.deepEqual(askedSize(7680, 4320), { w: 3840, h: 2160 });
});
