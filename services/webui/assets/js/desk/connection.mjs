/**
 * How a connection lives, is cut and comes back (design, section 5). Pure: `step` takes a state, an event and the time, and
 * gives the next state with what to do. No socket, no timer, no page here.
 *
 *   idle ─start→ asking ─ticket→ joining ─picture→ live
 *                  ↑ └──refused──┐  └─closed─┐      └─closed, silence─┐
 *                  └── now, online, its time ─── waiting ←────────────┘      over: needs a person or another page
 *
 * Effects: "ask" (a new ticket), "drop" (let the socket go, keep the last picture), "probe" (ask for a 1 x 1 update),
 * "look" (ask what the session's state is).
 */

/** Times in milliseconds. */
export const SILENCE = 5000;
export const ANSWER = 5000;
export const QUICK_ANSWER = 1200;
const PAUSE = 700;
export const ATTEMPT = 7000;
const FIRST_MINUTE = 60000;
const STEPS = [150, 400, 800, 1200];
const STEADY = 2000;
const FIRST_SECONDS = 20000;
const LONGEST = 15000;

/** Close codes of asci_shared/close_codes.py (a test holds them together). */
export const CODE = {
  RESTARTING: 1012, TRY_LATER: 1013, TICKET: 4400, SIGNED_OUT: 4401, REVOKED: 4403, ENDED: 4404, TOO_SLOW: 4408,
  PUT_OUT: 4409, TOO_MANY: 4429, UPSTREAM: 4502,
};
const AT_ONCE = new Map([[CODE.RESTARTING, "update"], [CODE.TICKET, "ticket"], [CODE.TOO_SLOW, ""]]);
/** What happens around a connection; nothing to one that was not begun. */
const OUTSIDE = new Set(["offline", "online", "visible", "now"]);
const SLOWLY = new Set([CODE.TRY_LATER, CODE.TOO_MANY]);

export const IDLE = Object.freeze({
  phase: "idle", attempt: 0, cutAt: 0, nextAt: 0, since: 0, lastByte: 0, probeAt: 0, deadline: ANSWER, seen: false,
  offline: false, measured: false, hop: "", end: "",
});

/** Milliseconds before try number `attempt` (1, 2, …), `down` ms after the cut; `random` in [0, 1) spreads the crowd. */
export function delay(attempt, down, random) {
  const steady = down > FIRST_SECONDS ? STEADY : STEPS[Math.min(attempt, STEPS.length) - 1];
  const grown = down > FIRST_MINUTE ? Math.min(STEADY * 1.5 ** ((down - FIRST_MINUTE) / 10000), LONGEST) : steady;
  return Math.round(grown * (0.75 + random * 0.5));
}

const ask = (state, now) => [{ ...state, phase: "asking", since: now, nextAt: 0 }, ["ask"]];
const over = (state, end, effects = []) => [{ ...state, phase: "over", end }, ["drop", ...effects]];

function retry(state, { now, random }, hop = "", slower = 0) {
  const cutAt = state.cutAt || now;
  const attempt = state.attempt + 1;
  if (state.offline) return [{ ...state, phase: "offline", attempt, cutAt, hop }, ["drop"]];
  const nextAt = now + Math.max(slower * (0.75 + random * 0.5), delay(attempt, now - cutAt, random));
  return [{ ...state, phase: "waiting", attempt, cutAt, nextAt, since: now, hop }, ["drop"]];
}

function closed(state, event, context) {
  switch (event.code) {
    case CODE.SIGNED_OUT: return over(state, "signed-out");
    case CODE.REVOKED: return over(state, "revoked", ["look"]);
    case CODE.ENDED: return over(state, "ended", ["look"]);
    case CODE.PUT_OUT: return over(state, "put-out");
  }
  if (event.code === CODE.UPSTREAM) return retry(state, context, hopOf(event.reason), 1000);
  if (AT_ONCE.has(event.code)) return retry(state, context, AT_ONCE.get(event.code));
  return retry(state, context, SLOWLY.has(event.code) ? "proxy" : "", SLOWLY.has(event.code) ? 2000 : 0);
}

/** The hop that a 4502 names ("vnc: no banner" -> "vnc"). */
export function hopOf(reason) {
  return /^(node|vnc|secret|proxy)\b/i.exec(reason ?? "")?.[1].toLowerCase() ?? "node";
}

function refused(state, event, context) {
  switch (event.status) {
    case 401: return over(state, "signed-out");
    case 403:
    case 404: return over(state, "revoked", ["look"]);
    case 409: return over(state, "ended", ["look"]);
  }
  return retry(state, context, event.status === 429 ? "proxy" : "", (event.retryAfter ?? 0) * 1000);
}

const probe = (state, now, deadline) => [{ ...state, probeAt: now, deadline }, ["probe"]];

function tick(state, context) {
  const { now } = context;
  if (state.phase === "waiting" && now >= state.nextAt) return ask(state, now);
  if ((state.phase === "asking" || state.phase === "joining") && now - state.since > ATTEMPT) return retry(state, context, "proxy");
  if (state.phase !== "live") return [state, []];
  if (state.probeAt) {
    return now - state.probeAt > state.deadline ? retry({ ...state, probeAt: 0 }, context) : [state, []];
  }
  if (!state.measured && now - state.lastByte > PAUSE) return probe({ ...state, measured: true }, now, ANSWER);
  return now - state.lastByte > SILENCE ? probe(state, now, ANSWER) : [state, []];
}

/** The network or the page is back: a live picture must answer soon, anything else tries now. */
function back(state, now) {
  if (state.phase === "live") return probe(state, now, QUICK_ANSWER);
  return state.phase === "waiting" || state.phase === "offline" ? ask({ ...state, offline: false }, now) : [state, []];
}

/** The next state and its effects. `context` is {now (ms), random in [0, 1)}. */
export function step(state, event, context) {
  const { now } = context;
  if (state.phase === "over" && event.type !== "start") return [state, []];
  if (state.phase === "idle" && OUTSIDE.has(event.type)) return [state, []];
  switch (event.type) {
    case "start": return [ask({ ...IDLE, seen: state.seen, offline: event.offline ?? false }, now)[0], ["drop", "ask"]];
    case "ticket": return state.phase === "asking" ? [{ ...state, phase: "joining", since: now }, []] : [state, ["drop"]];
    case "refused": return state.phase === "asking" ? refused(state, event, context) : [state, []];
    case "picture": return [{ ...IDLE, phase: "live", seen: true, lastByte: now, since: now }, []];
    case "bytes": return [{ ...state, lastByte: now, probeAt: 0 }, []];
    case "closed": return ["joining", "live"].includes(state.phase) ? closed(state, event, context) : [state, []];
    case "tick": return tick(state, context);
    case "offline": return state.phase === "live" ? [{ ...state, offline: true }, []] : retry({ ...state, offline: true }, context);
    case "online": return back({ ...state, offline: false }, now);
    case "visible":
    case "now": return back(state, now);
    case "stop": return [{ ...state, phase: "idle" }, ["drop"]];
  }
  throw new Error(`unknown event ${event.type}`);
}
