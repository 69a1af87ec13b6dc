/** What stands over the desktop while it is not live (pure). Gives {icon, title, text, actions, calm} or null. */

const HOPS = {
  ticket: "The permit to connect was used or ran out.",
  proxy: "The connection service does not answer.",
  node: "The node does not answer.",
  vnc: "The desktop runs but shows no picture yet.",
  secret: "The desktop is getting a new password.",
  update: "ASCI was updated.",
};
const STAGES = { asking: "asking for a ticket", joining: "opening the desktop" };
const SLOW = 3000;

const next = (state, now) => Math.max(0, Math.ceil((state.nextAt - now) / 1000));

function cut(state, now) {
  const wait = next(state, now);
  const when = state.phase === "waiting" && wait > 0 ? `, next in ${wait}\u00a0s` : "";
  const title = HOPS[state.hop] ?? "The connection was cut";
  return {
    icon: "wifi-off", title: title.replace(/\.$/, ""), actions: ["now"],
    text: `Your desktop keeps running. Connecting again${state.attempt > 1 || when ? `, try ${state.attempt}` : ""}${when}.`,
  };
}

/** `facts` is {owner, mine}. */
export function sentence(state, now, facts) {
  switch (state.phase) {
    case "live":
    case "idle": return null;
    case "offline": return { icon: "wifi-off", title: "You are offline", text: "We connect again when your network is back.", actions: ["now"] };
    case "over": return ended(state, facts);
  }
  if (!state.seen && state.attempt === 0) {
    const text = now - state.since > SLOW ? `Connecting: ${STAGES[state.phase] ?? "opening the desktop"}` : "Connecting…";
    return { icon: "spinner", title: text, text: "", actions: [], calm: true };
  }
  return cut(state, now);
}

function ended(state, { owner, mine }) {
  switch (state.end) {
    case "revoked": return mine
      ? { icon: "info", title: "You cannot open this desktop any more", text: "", actions: ["home"] }
      : { icon: "info", title: `${owner} ended your access to this desktop`, text: "", actions: ["home"] };
    case "put-out": return { icon: "info", title: "You were disconnected", text: `${mine ? "An administrator" : owner} closed this connection. The desktop keeps running.`, actions: ["again", "home"] };
    case "signed-out": return { icon: "info", title: "You are signed out", text: "Your desktops keep running.", actions: ["signin"] };
  }
  return { icon: "spinner", title: "This desktop has ended", text: "", actions: [], calm: true };
}

/** While the desktop has drawn nothing yet. */
export const OPENING = { icon: "spinner", title: "The desktop is opening", text: "", actions: [], calm: true };

/** The node's engine is silent, but the desktop on it is connected: a thin notice beside the picture. */
export const stillWorks = (node) => ({ icon: "unplug", title: `Node ${node} does not answer. Your desktop still does.`, text: "", actions: [], thin: true });

/** The pill in the bar: {tone, icon, word}. */
export function mark(state) {
  switch (state.phase) {
    case "live": return { tone: "ok", icon: "dot", word: "Connected" };
    case "offline": return { tone: "wait", icon: "wifi-off", word: "Offline" };
    case "over": return { tone: "calm", icon: "circle-stop", word: "Closed" };
    case "idle": return null;
  }
  return state.seen ? { tone: "wait", icon: "wifi-off", word: "Reconnecting" } : { tone: "accent", icon: "spinner", word: "Connecting" };
}
