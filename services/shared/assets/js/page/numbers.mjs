/** Numbers as people read them; the same words as asci_webui/words/numbers.py (a test holds them together). */

const SPACE = "\u00a0";

const pair = (large, largeUnit, small, smallUnit) =>
  `${large}${SPACE}${largeUnit}` + (small ? ` ${small}${SPACE}${smallUnit}` : "");

/** 12 s, 45 min, 3 h 12 min, 6 days 4 h; never negative, cut and not rounded. */
export function duration(seconds) {
  const whole = Math.max(0, Math.trunc(seconds));
  if (whole < 60) return `${whole}${SPACE}s`;
  if (whole < 3600) return `${Math.trunc(whole / 60)}${SPACE}min`;
  if (whole < 86400) return pair(Math.trunc(whole / 3600), "h", Math.trunc(whole / 60) % 60, "min");
  const days = Math.trunc(whole / 86400);
  return pair(days, days === 1 ? "day" : "days", Math.trunc(whole / 3600) % 24, "h");
}

/** Seconds that run: whole ones, so that digits do not flicker. */
export function running(seconds) {
  return duration(seconds);
}
