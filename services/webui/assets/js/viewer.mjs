/**
 * The only module that knows noVNC. It is handed a WebSocket that we opened ourselves, so that we, not noVNC, see its
 * close code, and it hands back a screen: a few verbs, and nothing of RFB.
 *
 * Built on the internals of @novnc/novnc 1.7.0, pinned: `_framebufferUpdate`, `_screenSize`, `_sock`, `_keyboard`.
 */

import RFB from "@novnc/novnc";

import { askedSize } from "./desk/size.mjs";

/** qualityLevel and compressionLevel of Tight; figures behind them are in the decision on presets. */
export const QUALITY = {
  sharp: { quality: 8, compression: 2 },
  balanced: { quality: 6, compression: 2 },
  fast: { quality: 4, compression: 6 },
};

const KEYS = {
  "ctrl-alt-del": [[0xffe3, "ControlLeft"], [0xffe9, "AltLeft"], [0xffff, "Delete"]],
  "alt-tab": [[0xffe9, "AltLeft"], [0xff09, "Tab"]],
  "ctrl-alt-t": [[0xffe3, "ControlLeft"], [0xffe9, "AltLeft"], [0x74, "KeyT"]],
  super: [[0xffeb, "MetaLeft"]],
  print: [[0xff61, "PrintScreen"]],
  Tab: [[0xff09, "Tab"]],
  Escape: [[0xff1b, "Escape"]],
  Backspace: [[0xff08, "Backspace"]],
  Enter: [[0xff0d, "Enter"]],
};
const HOLD = { Control: [0xffe3, "ControlLeft"], Alt: [0xffe9, "AltLeft"], AltGraph: [0xfe03, "AltRight"] };

class Picture extends RFB {
  /** Every complete update; the first one is the whole picture. */
  _framebufferUpdate() {
    const done = super._framebufferUpdate();
    if (done && !this.shown) {
      this.shown = true;
      this._display.flush().then(() => this.dispatchEvent(new CustomEvent("picture")));
    }
    return done;
  }

  /**
   * Asked size of the desktop: CSS pixels, or device pixels where the person wants every one of them. Never smaller than
   * its panel needs (the picture is scaled then), never larger than the desktop contract allows.
   */
  _requestRemoteResize() {
    const size = this._screenSize;
    this._screenSize = () => {
      const { w, h } = size.call(this);
      return askedSize(w * (this.density ?? 1), h * (this.density ?? 1));
    };
    try {
      super._requestRemoteResize();
    } finally {
      delete this._screenSize;
    }
  }

  /** Half a pixel of layout must not blur the whole desktop: nearly one to one is one to one. */
  _updateScale() {
    super._updateScale();
    const exact = 1 / (this.density ?? 1);
    if (Math.abs(this._display.scale / exact - 1) < 0.01) this._display.scale = exact;
  }

  /** The smallest question that a server must answer. */
  probe() {
    if (this._rfbConnectionState !== "connected") return;
    this.constructor.messages.fbUpdateRequest(this._sock, false, 0, 0, 1, 1);
  }

  releaseKeys() {
    this._keyboard._allKeysUp();
  }
}

const probePen = new OffscreenCanvas(24, 24).getContext("2d", { willReadFrequently: true });

function even(canvas) {
  if (!canvas.width || !canvas.height) return true;
  probePen.drawImage(canvas, 0, 0, 24, 24);
  const pixels = new Uint32Array(probePen.getImageData(0, 0, 24, 24).data.buffer);
  return pixels.every((pixel) => pixel === pixels[0]);
}

/**
 * Show a desktop in `target` over `socket`. `on` has picture(), bytes(), failed(), clipboard(text), locked().
 * `view` true sends no keys and no pointer. `resize`: this page decides the desktop's size.
 */
export function openScreen({ target, socket, password, view, resize, quality, density, label, on }) {
  const rfb = new Picture(target, socket, { credentials: { password }, shared: true });
  const canvas = target.querySelector("canvas");
  rfb.viewOnly = view;
  rfb.scaleViewport = true;
  rfb.density = density;
  rfb.resizeSession = resize;
  rfb.background = "#05080b";
  set(quality);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "desktop");
  canvas.setAttribute("aria-label", label);
  rfb.addEventListener("picture", () => on.picture());
  rfb.addEventListener("clipboard", (event) => on.clipboard(event.detail.text));
  rfb.addEventListener("securityfailure", (event) => on.failed(event.detail.reason ?? ""));
  socket.addEventListener("message", () => on.bytes());
  canvas.addEventListener("blur", () => rfb.releaseKeys());

  function set(name) {
    const { quality: level, compression } = QUALITY[name] ?? QUALITY.sharp;
    rfb.qualityLevel = level;
    rfb.compressionLevel = compression;
  }

  function press(keys) {
    for (const [sym, code] of keys) rfb.sendKey(sym, code, true);
    for (const [sym, code] of [...keys].reverse()) rfb.sendKey(sym, code, false);
  }

  return {
    canvas,
    /** Whether the picture is still one even colour, as before a desktop has drawn anything. */
    blank: () => even(canvas),
    focus: () => rfb.focus({ preventScroll: true }),
    probe: () => rfb.probe(),
    setQuality: set,
    setDensity(value) {
      rfb.density = value;
      rfb._requestRemoteResize();
    },
    /** A named combination of the keys menu or key row. */
    send: (name) => press(KEYS[name] ?? []),
    /** Hold or let go a modifier. */
    hold: (name, down) => rfb.sendKey(...HOLD[name], down),
    /** Text as key presses, for keyboards on glass. */
    type(text) {
      for (const letter of text) {
        const code = letter.codePointAt(0);
        press([[letter === "\n" ? 0xff0d : code < 0x100 ? code : 0x1000000 + code, ""]]);
      }
    },
    paste: (text) => rfb.clipboardPasteFrom(text),
    releaseKeys: () => rfb.releaseKeys(),
    toBlob: (done) => rfb.toBlob(done, "image/png"),
    close() {
      rfb.releaseKeys();
      rfb.disconnect();
      clearTimeout(rfb._disconnTimer); // it would only complain that a dead network takes no goodbye
    },
  };
}
