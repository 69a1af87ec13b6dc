/** When to ask next (pure): the server's pace, ± 10 %; once a minute while the ring lives; longer and longer after errors. */

export const QUIET = 60;
const LONGEST = 30;

/** Seconds until the next question. `random` in [0, 1). */
export function wait({ pace, ring, failures }, random) {
  const seconds = failures ? Math.min(2 ** failures, LONGEST) : ring ? Math.max(pace, QUIET) : pace;
  return seconds * (0.9 + random * 0.2);
}
