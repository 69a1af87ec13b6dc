/**
 * Last frames of desktops, kept by this browser alone: a WebP of 480 px in IndexedDB, forgotten at sign-out.
 * Nothing goes to a server. Without IndexedDB (private windows) there are simply no pictures.
 */

const NAME = "asci-pictures";
const STORE = "pictures";
const WIDTH = 480;
const DAYS = 8;

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function ask(mode, question) {
  const base = await open();
  try {
    return await new Promise((resolve, reject) => {
      const request = question(base.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    base.close();
  }
}

/** Keep what the canvas shows now. Never rejects. */
export async function keep(session, canvas) {
  try {
    if (!canvas.width || !canvas.height) return;
    const height = Math.round((canvas.height / canvas.width) * WIDTH);
    const small = new OffscreenCanvas(WIDTH, height);
    const pen = small.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(canvas, 0, 0, WIDTH, height);
    const blob = await small.convertToBlob({ type: "image/webp", quality: 0.75 });
    await ask("readwrite", (store) => store.put({ blob, at: Date.now() }, session));
  } catch {
    // no picture, no harm
  }
}

/** Draw the kept picture into a card's canvas and show it. Never rejects. */
export async function show(canvas) {
  try {
    const kept = await ask("readonly", (store) => store.get(canvas.dataset.picture));
    if (!kept || canvas.dataset.shown === String(kept.at)) return;
    const bitmap = await createImageBitmap(kept.blob);
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.dataset.shown = String(kept.at);
    canvas.hidden = false;
  } catch {
    // the artwork stays
  }
}

/** Forget pictures of sessions that are gone from the list for good. */
export async function tidy(alive) {
  try {
    const known = await ask("readonly", (store) => store.getAllKeys());
    const old = Date.now() - DAYS * 86400000;
    for (const session of known) {
      const kept = await ask("readonly", (store) => store.get(session));
      if (!alive.has(session) && kept.at < old) await ask("readwrite", (store) => store.delete(session));
    }
  } catch {
    // next time
  }
}

/** Forget them all: nobody is signed in here any more. */
export function forget() {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.deleteDatabase(NAME);
      request.onsuccess = request.onerror = request.onblocked = () => resolve();
    } catch {
      resolve();
    }
  });
}
