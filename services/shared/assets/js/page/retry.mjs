/** A page that says that a part is away looks again by itself. */

const EVERY = 4000;

async function look() {
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (answer && answer.status < 500) location.reload();
}

export function run() {
  if (document.querySelector("[data-retry]")) setInterval(() => document.hidden || look(), EVERY);
}
