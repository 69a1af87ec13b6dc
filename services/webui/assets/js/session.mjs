/** The session page: waiting room, desktop and notice on one page, changed in place. Puts the parts together. */

import * as clocks from "../../../shared/assets/js/page/clocks.mjs";
import * as copying from "../../../shared/assets/js/page/copying.mjs";
import * as dialogs from "../../../shared/assets/js/page/dialogs.mjs";
import * as menus from "../../../shared/assets/js/page/menus.mjs";
import * as endings from "../../../shared/assets/js/page/ending.mjs";
import * as people from "./page/people.mjs";
import { leave } from "../../../shared/assets/js/page/ask.mjs";
import { keep as keepPicture } from "./page/pictures.mjs";
import { serverNow } from "../../../shared/assets/js/page/server_clock.mjs";
import * as starting from "./page/starting.mjs";
import { toast } from "../../../shared/assets/js/page/toasts.mjs";
import { Chord } from "./desk/chord.mjs";
import { clipboard as makeClipboard } from "./desk/clipboard.mjs";
import { Follower } from "./desk/follow.mjs";
import { full as makeFull } from "./desk/full.mjs";
import { keys as makeKeys } from "./desk/keys.mjs";
import { Link } from "./desk/link.mjs";
import { mark, OPENING, sentence, stillWorks } from "./desk/sentences.mjs";
import { recall, remember } from "./desk/preferences.mjs";
import { changes } from "./desk/presence.mjs";
import { renaming } from "./desk/renaming.mjs";
import { followLog } from "./desk/service_log.mjs";
import { toolbar } from "./desk/toolbar.mjs";
import { openWebApp } from "./desk/webapp.mjs";

const $ = (id) => document.getElementById(id);
const main = $("main");
const facts = main.dataset;
const id = facts.session;
const mine = facts.mine === "yes";
const desktop = facts.kind === "desktop";
const sprite = document.querySelector("svg.icon use").getAttribute("href").split("#")[0];
const LABEL = `Desktop ${facts.title}. Ctrl, Alt and Shift, pressed and let go together, lead to the bar above it.`;
const PICTURE_EVERY = 30000;
const FIRST_PICTURES = [1500, 8000];
const SMALL = 640;

for (const part of [clocks, copying, dialogs, menus, people, starting]) part.run();

/* words and marks */

const icon = (name) => `<svg class="icon" aria-hidden="true" focusable="false"><use href="${sprite}#${name}"/></svg>`;
const sign = (name) => (name === "spinner" ? '<span class="spinner" aria-hidden="true"></span>' : name === "dot" ? '<span class="dot" aria-hidden="true"></span>' : icon(name));

function escaped(text) {
  const holder = document.createElement("span");
  holder.textContent = text;
  return holder.innerHTML;
}

const ACTIONS = {
  now: ["Try now", () => link.tryNow()],
  again: ["Connect again", () => link.start()],
  home: ["My sessions", () => location.assign("/")],
  signin: ["Sign in", () => leave(`/sign-in?next=${encodeURIComponent(location.pathname)}`)],
  keep: ["Keep it longer", () => dialogs.open(`/s/${id}/keep`, $("more"))],
  understood: ["I understand", () => { understood = facts.warning; paint(); }],
  later: ["Later", () => { warned = stage(); paint(); }],
};

let shown = "";
/** Show a panel over the desktop, or none. Rewritten only when its words changed, so that focus and speech stay calm. */
function say(words) {
  const over = $("over");
  const html = words && `${sign(words.icon)}<div><strong>${escaped(words.title)}</strong>${words.text ? `<p>${escaped(words.text)}</p>` : ""}</div>${words.actions.length ? `<div class="over-actions">${words.actions.map((name) => `<button class="button ${name === "later" ? "quiet" : "plain"}" type="button" data-act="${name}">${ACTIONS[name][0]}</button>`).join("")}</div>` : ""}`;
  over.hidden = !words;
  if (!words || html === shown) return;
  shown = html;
  over.classList.toggle("calm", Boolean(words.calm));
  over.classList.toggle("thin", Boolean(words.thin));
  const held = over.contains(document.activeElement) && document.activeElement.dataset.act;
  over.innerHTML = html;
  if (held) over.querySelector(`[data-act=${held}]`)?.focus();
}
$("over").addEventListener("click", (event) => ACTIONS[event.target.closest("[data-act]")?.dataset.act]?.[1]());

function pill(words) {
  const roundTrip = words.word === "Connected" && link?.roundTrip ? `<span class="round-trip">${Math.max(1, Math.round(link.roundTrip))}\u00a0ms</span>` : "";
  const html = `<span class="pill tone-${words.tone}">${sign(words.icon)}${words.word}${roundTrip}</span>`;
  if ($("state").dataset.html === html) return;
  $("state").dataset.html = html;
  $("state").innerHTML = html;
}

/* time left */

let expires = Date.parse(facts.expires);
let warned = "";
let away = false;
const HOUR = 3600000;

const left = () => expires - serverNow();
const stage = () => endings.stage({ now: serverNow(), expires, created: Date.parse(facts.created) });

function warning() {
  const at = stage();
  return at === warned ? null : endings.warning(left(), at, facts.access);
}

/* what is wrong with the session itself, such as a home that cannot be written */
let understood = "";
function unusual() {
  if (!facts.warning || facts.warning === understood || !["owner", "control"].includes(facts.access)) return null;
  const [title, ...rest] = facts.warning.split(/(?<=\.) /);
  return { icon: "triangle-alert", title: title.slice(0, -1), text: rest.join(" "), actions: ["understood"] };
}

/** A tab that nobody looks at says in its title when the session ends. */
function titled() {
  const warns = document.hidden && ["running", "lost"].includes(facts.phase) && endings.warning(left(), stage(), facts.access);
  const text = warns ? endings.tabTitle(left(), facts.title) : `${facts.title} · ASCI`;
  if (document.title !== text) document.title = text;
}
document.addEventListener("visibilitychange", titled);

/* what the connection is at */

function paint() {
  if (facts.phase === "gone") return;
  const running = facts.phase === "running";
  const opening = desktop && running && !drawn && link.state.attempt === 0 && link.state.phase !== "over";
  if (!opening && held) letRoomGo();
  const words = opening && held ? null : opening && link.state.phase === "live" ? OPENING : desktop && running ? sentence(link.state, performance.now(), { owner: facts.owner, mine }) : null;
  const live = link?.state.phase === "live";
  const working = desktop && live && facts.phase === "lost";
  const beside = () => warning() ?? unusual() ?? (working ? stillWorks(facts.node) : null);
  say(words ?? (away && !working && !(desktop && running) ? LOST : (running || working) && !held ? beside() : null));
  const now = desktop && (running || working) ? (opening && held ? STARTING : mark(link.state)) : null;
  if (now) pill(now);
  $("screen").hidden = !(working || (desktop && running && link.state.phase !== "over"));
  $("room").hidden = working;
  const ghost = $("ghost");
  ghost.hidden = live || !ghost.dataset.kept || !["running", "lost"].includes(facts.phase);
  if ($("keep")) $("keep").hidden = facts.fixed === "yes" || !(left() < HOUR);
  if ($("more-keep")) $("more-keep").hidden = facts.fixed === "yes" || !endings.keepable(serverNow(), expires, 1000 * facts.longest);
  titled();
}

/* the desktop */

const viewOnly = () => facts.access === "view";
const mode = () => (viewOnly() ? "view" : "control");
const density = () => (recall("dense", "no") === "yes" ? Math.max(1, devicePixelRatio) : 1);
const resizes = () => mine && innerWidth >= SMALL;
let viewerModule = null;
const viewer = () => (viewerModule ??= import(facts.viewer).catch((error) => { viewerModule = null; throw error; }));

let link = null;
if (desktop) {
  link = new Link({
    id, mode, viewer,
    open: (given) => ({ target: $("screen"), view: given === "view", resize: resizes() && given !== "view", quality: recall("quality", "sharp"), density: resizes() ? density() : 1, label: LABEL }),
    clipboard: (text) => viewOnly() || clipboard.fromDesktop(text),
    before: keepLast,
    look: () => follower.now(),
    changed(state) {
      paint();
      if (state.phase === "live" && !seen) first();
      if (state.phase === "over" && state.end === "signed-out") leave(`/sign-in?reason=ended&next=${encodeURIComponent(location.pathname)}`);
    },
  });
}

const screen = () => (link?.state.phase === "live" ? link.screen : null);

/** The last frame stays, dimmed, while the connection is away. */
function keepLast(canvas, state) {
  if (!state.seen || !canvas.width) return;
  const ghost = $("ghost");
  ghost.width = canvas.width;
  ghost.height = canvas.height;
  try {
    ghost.getContext("2d").drawImage(canvas, 0, 0);
    ghost.dataset.kept = "yes";
  } catch {
    // an empty canvas: nothing to keep
  }
}

/* The waiting room stays until the desktop has drawn something: no black page between the two. */
const PATIENCE = 8000;
const STARTING = { tone: "accent", icon: "spinner", word: "Starting" };
let drawn = false;
let held = false;

function letRoomGo() {
  held = false;
  $("room").replaceChildren();
}

function untilDrawn(began = performance.now()) {
  if (drawn || !screen()) return;
  if (screen().blank() && performance.now() - began < PATIENCE) {
    setTimeout(untilDrawn, 60, began);
    return;
  }
  drawn = true;
  performance.mark("asci:drawn");
  firstPictures();
  paint();
  if (!document.querySelector("dialog[open], .menu:popover-open") && !$("toolbar").contains(document.activeElement)) link.screen.focus();
  if (recall("hinted", "no") === "yes" || innerWidth < SMALL || matchMedia("(pointer: coarse)").matches) return;
  remember("hinted", "yes");
  toast(viewOnly() ? "You are watching. Tab leads to the bar." : "Ctrl+Alt+Shift, pressed and let go together, leads to the bar.", 8);
}

let seen = false;
function first() {
  seen = true;
  performance.mark("asci:picture");
  untilDrawn();
  setTimeout(picture, 2500);
}

function picture() {
  if (screen() && drawn) keepPicture(id, link.screen.canvas);
}
setInterval(() => document.hidden || picture(), PICTURE_EVERY);
/* Early as well: of a short visit, what starts at pagehide may never end. */
function firstPictures() {
  for (const wait of FIRST_PICTURES) setTimeout(() => document.hidden || picture(), wait);
}
document.addEventListener("visibilitychange", () => document.hidden && picture());
addEventListener("pagehide", picture);

/* following the session */

const LOST = { icon: "wifi-off", title: "We lost contact with ASCI", text: "Your desktops keep running. We look again every few seconds.", actions: [] };
const NOUN = { desktop: "desktop", web: "application", service: "service" };
let people_ = null;
const follower = new Follower({
  id, tag: facts.tag, state: facts.state,
  changed: take,
  gone() {
    facts.phase = "gone";
    link?.stop();
    $("room").replaceChildren();
    $("who").replaceChildren();
    $("ghost").hidden = true;
    say(!mine ? { icon: "info", title: `${facts.owner} ended your access to this ${NOUN[facts.kind] ?? "session"}`, text: "", actions: ["home"] } : { icon: "info", title: "This session is gone", text: "It has ended and left the list.", actions: ["home"] });
    pill({ tone: "calm", icon: "circle-stop", word: "Closed" });
    $("screen").hidden = true;
  },
  contact(lost) {
    if (lost === away) return;
    away = lost;
    paint();
  },
});

function take(now) {
  const was = { phase: facts.phase, access: facts.access };
  Object.assign(facts, { phase: now.phase, state: now.state, access: now.access, node: now.node ?? "", warning: now.warning, fixed: now.fixed ? "yes" : "" });
  const room = $("room");
  if (desktop && now.phase === "running" && was.phase === "waiting") held = true;
  if (!held && room.dataset.html !== now.room) {
    room.dataset.html = now.room;
    room.innerHTML = now.room.trim();
    clocks.tell(room);
  }
  if (now.title !== facts.title) renamed(now.title);
  if ($("guest")) $("guest").textContent = now.guest;
  if ($("who").innerHTML.trim() !== now.who.trim()) $("who").innerHTML = now.who;
  expired(now.expires_at);
  greet(now.people);
  if (desktop) connect(now, was);
  if (now.phase !== "running" || !desktop) restingPill(now);
  paint();
}

function connect(now, was) {
  const idle = link.state.phase === "idle" || (link.state.phase === "over" && link.state.end !== "put-out");
  const raised = was.access !== now.access;
  if (now.phase === "running" && (idle || raised)) {
    if (raised && seen) toast(viewOnly() ? `${facts.owner} lets you watch now.` : `${facts.owner} lets you control now.`);
    link.start();
  } else if (now.phase !== "running" && now.phase !== "lost" && link.state.phase !== "idle") {
    link.stop();
  }
}

const RESTING = { waiting: { queued: ["wait", "hourglass", "In the queue"], else: ["accent", "spinner", "Starting"] }, stopping: ["calm", "spinner", "Stopping"], running: ["ok", "dot", "Running"], lost: ["bad", "unplug", "Node lost"] };
function restingPill(now) {
  const words = now.phase === "ended" ? (now.state === "failed" ? ["bad", "circle-x", "Failed"] : ["calm", "circle-stop", "Ended"]) : now.phase === "waiting" ? RESTING.waiting[now.state] ?? RESTING.waiting.else : RESTING[now.phase];
  pill({ tone: words[0], icon: words[1], word: words[2] });
}

function renamed(title) {
  facts.title = title;
  titled();
  const place = $("title-button") ?? $("title").firstElementChild;
  if (place) place.textContent = title;
  $("title-button")?.setAttribute("aria-label", `${title}, rename`);
}

function expired(at) {
  const moment = at ? Date.parse(at) : NaN;
  if (moment === expires || (Number.isNaN(moment) && Number.isNaN(expires))) return;
  expires = moment;
  warned = "";
  const time = document.querySelector("#left time");
  if (time && at) time.dateTime = at;
  clocks.tell();
}

function greet(now) {
  if (people_) for (const words of changes(people_, now, facts.me)) toast(words);
  people_ = now;
}

/* the bar */

const back = () => screen()?.focus();
const bar = toolbar($("toolbar"), back);
const full = makeFull(back);
const clipboard = makeClipboard(screen, mine);
const keys = makeKeys(screen);
renaming(id, renamed);

$("full")?.addEventListener("click", full.toggle);
$("more-full")?.addEventListener("click", full.toggle);
$("more-clipboard")?.addEventListener("click", () => setTimeout(() => $("clipboard-panel").showPopover()));
$("more-keys")?.addEventListener("click", () => setTimeout(() => $("keys-menu").showPopover()));
$("keep")?.addEventListener("click", () => dialogs.open(`/s/${id}/keep`, $("keep")));
$("shortcuts").addEventListener("click", () => $("shortcuts-dialog").showModal());
$("save-picture")?.addEventListener("click", () => {
  if (!screen()) return toast("There is no picture yet.");
  link.screen.toBlob((blob) => {
    const save = document.createElement("a");
    save.href = URL.createObjectURL(blob);
    save.download = `${facts.title.replace(/[^\p{L}\p{N}_-]+/gu, "-")}-${new Date().toISOString().slice(0, 19).replace(/:/g, "")}.png`;
    save.click();
    setTimeout(() => URL.revokeObjectURL(save.href), 10000);
    toast("The picture is saved.");
  });
});

function chooseQuality(name) {
  remember("quality", name);
  screen()?.setQuality(name);
  showQuality(name);
}
function showQuality(name) {
  for (const item of document.querySelectorAll("[data-quality]")) {
    const on = item.dataset.quality === name;
    item.setAttribute("aria-checked", String(on));
    if (on) {
      $("quality-word").textContent = item.dataset.word;
      $("quality").setAttribute("aria-label", `Quality: ${item.dataset.word}`);
    }
  }
}
if (desktop) {
  showQuality(recall("quality", "sharp"));
  $("quality-menu").addEventListener("click", (event) => {
    const item = event.target.closest("[data-quality]");
    if (item) chooseQuality(item.dataset.quality);
  });
  const dense = $("dense");
  for (const part of document.querySelectorAll(".dense-only")) part.hidden = !(mine && devicePixelRatio > 1 && innerWidth >= SMALL);
  dense.setAttribute("aria-checked", String(recall("dense", "no") === "yes"));
  dense.addEventListener("click", () => {
    remember("dense", recall("dense", "no") === "yes" ? "no" : "yes");
    dense.setAttribute("aria-checked", String(recall("dense", "no") === "yes"));
    screen()?.setDensity(density());
  });
}

/* keys of the whole page */

const chord = new Chord();
let told = false;
for (const type of ["keydown", "keyup"]) {
  addEventListener(type, (event) => {
    if (chord.feed(event) && !event.target.closest?.("dialog")) {
      full.showBar();
      setTimeout(bar.enter);
    }
    if (type === "keydown" && viewOnly() && !told && screen() && (event.target === link.screen.canvas || event.target === document.body) && event.key.length === 1) {
      told = true;
      toast("You are watching. Your keys and mouse do nothing here.");
    }
  }, true);
}
addEventListener("blur", () => {
  chord.reset();
  keys.release();
  screen()?.releaseKeys();
});
addEventListener("focus", () => screen() && clipboard.sync());

/* other kinds */

$("room").addEventListener("click", (event) => {
  if (event.target.closest("#open-app")) openWebApp(id, (words) => { $("open-app-note").textContent = words; });
});
if (facts.kind === "service") followLog(id);
addEventListener("asci:changed", () => follower.now());
addEventListener("asci:closed", () => document.activeElement === document.body && back());

/* begin */

setInterval(() => (document.hidden ? titled() : paint()), 5000);
if (desktop && ["waiting", "running"].includes(facts.phase)) viewer().catch(() => {});
if (desktop && facts.phase === "running") link.start();
paint();
