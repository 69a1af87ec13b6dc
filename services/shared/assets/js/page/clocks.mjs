/** Times in the reader's zone, times left, and seconds that count. Reads attributes, writes text; safe to call often. */

import { endsIn, stage } from "./ending.mjs";
import { duration, running } from "./numbers.mjs";
import { hear, serverNow } from "./server_clock.mjs";

const format = (options) => new Intl.DateTimeFormat("en-GB", options);
const DATE = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const CLOCK = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WHEN = format({ weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECOND = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const started = new WeakMap();

const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

function day(time, now) {
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return `today, ${CLOCK.format(time)}`;
  return days === 1 ? `yesterday, ${CLOCK.format(time)}` : WHEN.format(time);
}

const shows = {
  clock: (time) => CLOCK.format(time),
  when: (time) => WHEN.format(time),
  short: (time, now) => (new Date(time).toDateString() === new Date(now).toDateString() ? CLOCK : DATE).format(time),
  second: (time) => SECOND.format(time),
  day,
  ends: (time, now) => endsIn(time - now),
  left: (time, now) => `${duration((time - now) / 1000)} left`,
  ago: (time, now) => (now - time < 60000 ? "just now" : `${duration((now - time) / 1000).split(" ")[0]} ago`),
};

function count(element, now) {
  const given = element.dataset.count;
  const known = started.get(element);
  if (!known || known.given !== given) started.set(element, { given, at: now - Number(given) * 1000 });
  const seconds = (now - started.get(element).at) / 1000;
  if (known) write(element, running(seconds));
  return seconds;
}

/** Bring every clock below `root` up to date. */
export function tell(root = document) {
  const now = serverNow();
  for (const time of root.querySelectorAll("time[data-show]")) {
    write(time, shows[time.dataset.show](Date.parse(time.dateTime), now));
  }
  for (const strip of root.querySelectorAll("[data-ends]")) {
    strip.hidden = !stage({ now, expires: Date.parse(strip.dataset.ends), created: Date.parse(strip.dataset.created) });
  }
  for (const element of root.querySelectorAll("[data-count]")) count(element, Date.now());
  for (const note of root.querySelectorAll("[data-usual]")) {
    const counted = note.querySelector("[data-count]");
    const late = (note.closest(".room-box, .small-print") ?? note).querySelector(".late");
    if (counted && late) late.hidden = count(counted, Date.now()) <= Number(note.dataset.usual) + 1;
  }
}

/** Keep them up to date. */
export function run() {
  hear(document.querySelector("meta[name=server-time]")?.content);
  tell();
  setInterval(() => document.hidden || tell(), 1000);
  document.addEventListener("visibilitychange", () => document.hidden || tell());
}
