/** Requests of our own pages: same origin, told apart by a header, and back to sign-in when the sign-in is over. */

import { hear } from "./server_clock.mjs";

export class Away extends Error {}

/** Ask a page or part. Rejects with Away when nothing answers in time. Leaves the page when signed out. */
export async function ask(path, options = {}, seconds = 10) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options,
      headers: { "X-Inline": "1", "X-Page": location.pathname + location.search, ...options.headers },
      credentials: "same-origin",
      signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch (error) {
    throw new Away(String(error));
  }
  hear(answer.headers.get("Date"));
  if (answer.status === 401) leave(answer.headers.get("HX-Redirect"));
  return answer;
}

/** Ask the API itself, with the page's cookie. Gives {status, body, headers}; body is null without JSON. */
export async function askApi(method, path, body, seconds = 10) {
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers: { "X-ASCI": "1", Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch (error) {
    throw new Away(String(error));
  }
  hear(answer.headers.get("Date"));
  const json = await answer.json().catch(() => null);
  return { status: answer.status, body: json, headers: answer.headers };
}

/** The sign-in page, and back here afterwards. */
export function leave(target) {
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(target || `/sign-in?reason=ended&next=${next}`);
}
