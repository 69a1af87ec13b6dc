/** How large a desktop may be asked to become. */

const LEAST = { w: 640, h: 360 };
const MOST = { w: 3840, h: 2160 };
const clamp = (value, least, most) => Math.min(Math.max(Math.floor(value), least), most);

/** The nearest size within the bounds, in pixels. */
export function askedSize(w, h) {
  return { w: clamp(w, LEAST.w, MOST.w), h: clamp(h, LEAST.h, MOST.h) };
}
