/** How often the waiting room asks (pure): milliseconds until the next question. */

export function pace(state, waited, ring) {
  if (state === "queued" || state === "lost") return ring ? 15000 : 3000;
  if (state === "gone") return 60000;
  if (state === "running" || state === "stopped" || state === "failed") return ring ? 60000 : 5000;
  return waited < 10000 ? 200 : waited < 30000 ? 500 : 1000;
}
