/** The server's time on the reader's machine, whose own clock may be wrong. Milliseconds since the epoch. */

const ROUGH = 1500; // a Date header has whole seconds, and its way here takes time
let ahead = 0;

/** Take a time that the server told just now: a `Date` header or RFC 3339. Small differences are those of the way. */
export function hear(text, here = Date.now()) {
  const told = Date.parse(text ?? "");
  if (!Number.isNaN(told) && Math.abs(told - here - ahead) > ROUGH) ahead = told - here;
}

/** What the server's clock shows. */
export function serverNow(here = Date.now()) {
  return here + ahead;
}
