/** Warnings before a session's end (pure); the same words and times as asci_webui/words/states.py. Times in milliseconds. */

import { duration } from "./numbers.mjs";

const DAY = 24 * 3600000;
const HALF = 30 * 60000;
const KEEP = 7 * DAY;
const WORTH = 3600000;

/** "half" in the last 30 minutes, "day" in the last 24 hours of a life that is longer, else "". */
export function stage({ now, expires, created }) {
  const left = expires - now;
  if (!(left > 0)) return "";
  return left <= HALF ? "half" : left <= DAY && expires - created > DAY ? "day" : "";
}

function minutes(left) {
  const whole = Math.max(1, Math.round(left / 60000));
  return `${whole}\u00a0${whole === 1 ? "minute" : "minutes"}`;
}

/** "This session ends in 15 minutes." */
export function endsIn(left) {
  return `This session ends in ${left >= 3600000 ? duration(left / 1000) : minutes(left)}.`;
}

/** "Ends in 30 min · Tomography", for a tab that nobody looks at. */
export function tabTitle(left, title) {
  return `Ends in ${duration(Math.max(60000, left) / 1000).split(" ")[0]} · ${title}`;
}

/** Whether keeping it longer can gain an hour at least; `longest` is how far from now the rules let it last. */
export function keepable(now, expires, longest) {
  return expires < now + (longest || KEEP) - WORTH;
}

/** The notice, or null: whoever watches is not told, and only the owner can keep it. */
export function warning(left, at, access) {
  if (!at || !["owner", "control"].includes(access)) return null;
  const mine = access === "owner";
  const text = mine ? "Save your work, or keep the session." : "Save your work.";
  return { icon: "clock", title: endsIn(left).slice(0, -1), text, actions: mine ? ["keep", "later"] : ["later"] };
}
