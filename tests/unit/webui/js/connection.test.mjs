import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER, ATTEMPT, CODE, IDLE, QUICK_ANSWER, SILENCE, delay, hopOf, step } from "../../../../services/webui/assets/js/desk/connection.mjs";

/** A connection with a clock that we hold. */
class Drive {
  state = IDLE;
  now = 1000;
  effects = [];

  feed(...events) {
    for (const event of events) {
      const [state, effects] = step(this.state, typeof event === "string" ? { type: event } : event, { now: this.now, random: 0.5 });
      this.state = state;
      this.effects = effects;
    }
    return this;
  }

  after(ms, ...events) {
    this.now += ms;
    return this.feed(...events);
  }

  /** Ticks until something is done, at most `ms`. Gives how long it took. */
  until(effect, ms = 60000) {
    const from = this.now;
    while (this.now - from <= ms) {
      this.after(50, "tick");
      if (this.effects.includes(effect)) return this.now - from;
    }
    assert.fail(`no ${effect} within ${ms} ms in phase ${this.state.phase}`);
  }

  is(phase, ...effects) {
    assert.equal(this.state.phase, phase);
    assert.deepEqual(this.effects, effects);
    return this;
  }
}

const live = () => new Drive().feed("start", "ticket", "picture");
const closed = (code, reason = "") => ({ type: "closed", code, reason });

test("a start asks for a ticket, joins and lives", () => {
  const drive = new Drive();
  drive.feed("start").is("asking", "drop", "ask");
  drive.feed("ticket").is("joining");
  drive.feed("picture").is("live");
  assert.equal(drive.state.seen, true);
});

test("a cut asks again soon, with a new ticket, and keeps what was seen", () => {
  const drive = live().feed(closed(1006)).is("waiting", "drop");
  assert.ok(drive.until("ask") <= 300);
  drive.is("asking", "ask");
  assert.equal(drive.state.seen, true);
  drive.feed("ticket", "picture").is("live");
  assert.equal(drive.state.attempt, 0);
});

test("tries are counted and spread until they succeed", () => {
  const drive = live().feed(closed(1006));
  for (let attempt = 2; attempt < 6; attempt += 1) {
    drive.until("ask");
    drive.feed({ type: "refused", status: 503 });
    assert.equal(drive.state.attempt, attempt);
    assert.equal(drive.state.phase, "waiting");
  }
});

test("delays grow to a bound and carry jitter", () => {
  assert.equal(delay(1, 0, 0.5), 150);
  assert.ok(delay(9, 5000, 0.5) <= 1500, "in the first seconds a page is back within two");
  assert.equal(delay(9, 30000, 0.5), 2000);
  assert.equal(delay(99, 3600000, 0.5), 15000);
  for (const attempt of [1, 2, 3, 20]) {
    assert.ok(delay(attempt, 0, 0) < delay(attempt, 0, 0.99));
  }
});

test("silence: after 5 s without bytes a question, after 5 s without an answer a new connection", () => {
  const drive = live();
  drive.until("probe"); // the first one only measures the round trip
  drive.feed("bytes");
  const asked = drive.until("probe");
  assert.ok(asked >= SILENCE && asked <= SILENCE + 100, `asked after ${asked}`);
  const given = drive.until("drop");
  assert.ok(given >= ANSWER && given <= ANSWER + 100, `gave up after ${given}`);
  assert.equal(drive.state.phase, "waiting");
});

test("any byte is an answer", () => {
  const drive = live();
  for (let times = 0; times < 5; times += 1) {
    drive.until("probe");
    drive.after(ANSWER - 200, "bytes").is("live");
  }
});

test("while bytes flow nothing is asked", () => {
  const drive = live();
  for (let at = 0; at < 20000; at += 500) drive.after(500, "bytes", "tick").is("live");
});

for (const event of ["online", "visible"]) {
  test(`${event}: a live picture must answer soon, else it is connected again`, () => {
    const drive = live().feed(event).is("live", "probe");
    const given = drive.until("drop");
    assert.ok(given >= QUICK_ANSWER && given <= QUICK_ANSWER + 100);
    live().feed(event, "bytes").is("live");
  });

  test(`${event}: a waiting page tries at once`, () => {
    live().feed(closed(1006), event).is("asking", "ask");
  });
}

test("offline waits for the network instead of trying", () => {
  const drive = live().feed("offline").is("live");
  drive.feed(closed(1006)).is("offline", "drop");
  drive.after(600000, "tick").is("offline");
  drive.feed("online").is("asking", "ask");
});

test("going offline while waiting stops the tries", () => {
  const drive = live().feed(closed(1006), "offline").is("offline", "drop");
  drive.feed("now").is("asking", "ask");
});

test("Try now tries now", () => {
  live().feed(closed(1013), "now").is("asking", "ask");
});

for (const [name, code, most] of [["restarting", CODE.RESTARTING, 300], ["used ticket", CODE.TICKET, 300], ["too slow", CODE.TOO_SLOW, 300]]) {
  test(`${name}: again at once`, () => {
    assert.ok(live().feed(closed(code)).until("ask") <= most);
  });
}

for (const [name, code, least] of [["try later", CODE.TRY_LATER, 1500], ["too many", CODE.TOO_MANY, 1500], ["desktop away", CODE.UPSTREAM, 750]]) {
  test(`${name}: again, but not at once`, () => {
    assert.ok(live().feed(closed(code, "vnc: x")).until("ask") >= least);
  });
}

for (const [name, code, end, effects] of [
  ["signed out", CODE.SIGNED_OUT, "signed-out", ["drop"]],
  ["revoked", CODE.REVOKED, "revoked", ["drop", "look"]],
  ["ended", CODE.ENDED, "ended", ["drop", "look"]],
  ["put out", CODE.PUT_OUT, "put-out", ["drop"]],
]) {
  test(`${name}: over, and it does not come back unasked`, () => {
    const drive = live().feed(closed(code)).is("over", ...effects);
    assert.equal(drive.state.end, end);
    for (const event of ["online", "visible", "now"]) drive.feed(event).is("over");
    drive.after(3600000, "tick").is("over");
    drive.feed("start").is("asking", "drop", "ask");
  });
}

for (const [status, phase, end] of [[401, "over", "signed-out"], [403, "over", "revoked"], [404, "over", "revoked"], [409, "over", "ended"], [429, "waiting", ""], [500, "waiting", ""], [503, "waiting", ""], [0, "waiting", ""]]) {
  test(`a ticket refused with ${status}`, () => {
    const drive = new Drive().feed("start", { type: "refused", status });
    assert.equal(drive.state.phase, phase);
    assert.equal(drive.state.end, end);
  });
}

test("Retry-After is kept", () => {
  const drive = new Drive().feed("start", { type: "refused", status: 503, retryAfter: 10 });
  assert.ok(drive.until("ask") >= 7500);
});

test("an attempt that hangs is given up", () => {
  for (const events of [["start"], ["start", "ticket"]]) {
    const drive = new Drive().feed(...events);
    const given = drive.until("drop");
    assert.ok(given >= ATTEMPT && given <= ATTEMPT + 100);
    drive.until("ask");
  }
});

test("events of a connection that is gone change nothing", () => {
  live().feed(closed(1006), closed(4401)).is("waiting");
  live().feed(closed(1006), "ticket").is("waiting", "drop");
  new Drive().feed("start", "ticket", { type: "refused", status: 401 }).is("joining");
});

for (const event of ["offline", "online", "visible", "now"]) {
  test(`${event}: nothing to a connection that was not begun, or was let go`, () => {
    new Drive().feed(event).is("idle");
    const drive = live().feed("offline", "stop", event).is("idle");
    drive.after(60000, "tick").is("idle");
    drive.feed("start").is("asking", "drop", "ask");
    drive.feed({ type: "refused", status: 503 }).is("waiting", "drop");
  });
}

test("a start without a network asks once, then waits for it", () => {
  const drive = new Drive().feed({ type: "start", offline: true }).is("asking", "drop", "ask");
  drive.feed({ type: "refused", status: 0 }).is("offline", "drop");
  drive.feed("online").is("asking", "ask");
});

test("stop lets go", () => {
  const drive = live().feed("stop").is("idle", "drop");
  drive.after(60000, "tick").is("idle");
});

test("the hop of a 4502", () => {
  assert.equal(hopOf("vnc: no banner"), "vnc");
  assert.equal(hopOf("node: refused"), "node");
  assert.equal(hopOf("secret: refused"), "secret");
  assert.equal(hopOf(""), "node");
  assert.equal(hopOf(undefined), "node");
});

test("an unknown event is a fault of ours", () => {
  assert.throws(() => step(IDLE, { type: "no such" }, { now: 0, random: 0 }));
});
