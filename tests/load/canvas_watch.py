"""Watches the desktop's canvas from inside the page: when was Start clicked, when is the desktop complete.

The same criterion as :mod:`tests.support.desktop_picture`, in the page's own language, because shipping pictures out of
the browser would take longer than what is measured. Each measurement is checked afterwards with the original.
"""

from __future__ import annotations

from tests.support.desktop_picture import PANEL, PANEL_HEIGHT

CLICKED, COMPLETE = "bench-clicked", "bench-complete"
"""Keys of the page's session storage; milliseconds since the epoch."""

WATCH = f"""
(() => {{
  const now = () => performance.timeOrigin + performance.now();
  addEventListener("click", (event) => {{
    if (event.target.closest("form[data-start]")) sessionStorage.setItem("{CLICKED}", now());
  }}, true);
  if (!location.pathname.startsWith("/s/") || sessionStorage.getItem("{COMPLETE}")) return;
  const panel = [{PANEL[0]}, {PANEL[1]}, {PANEL[2]}];
  const pixels = (context, w, h, [left, top, right, bottom]) => {{
    const [l, t] = [left >= 0 ? left : w + left, top >= 0 ? top : h + top];
    const [r, b] = [right > 0 ? right : w + right, bottom > 0 ? bottom : h + bottom];
    return context.getImageData(l, t, r - l, b - t).data;
  }};
  const count = (data, test) => {{
    let found = 0;
    for (let i = 0; i < data.length; i += 4) if (test(data[i], data[i + 1], data[i + 2])) found++;
    return found;
  }};
  const bar = (c, w, h, y) => {{
    const row = pixels(c, w, h, [Math.floor(w / 3), y, Math.floor(w * 2 / 3), y + 1]);
    const near = (r, g, b) => Math.abs(r - panel[0]) <= 8 && Math.abs(g - panel[1]) <= 8 && Math.abs(b - panel[2]) <= 8;
    return count(row, near) > 0.95 * row.length / 4;
  }};
  const ink = (c, w, h, box, least) => count(pixels(c, w, h, box), (r, g, b) => Math.min(r, g, b) > 150) >= least;
  const spots = [[30, 30], [50, 25], [30, 70], [85, 75], [20, 90]];
  const wallpaper = (c, w, h) => {{
    const found = spots.map(([x, y]) => c.getImageData(Math.floor(w * x / 100), Math.floor(h * y / 100), 1, 1).data);
    const greens = found.map((p) => p[1]);
    return found.every(([r, g, b]) => b > r + 12 && g > r) && Math.max(...greens) - Math.min(...greens) >= 12;
  }};
  const complete = (canvas) => {{
    const [w, h] = [canvas.width, canvas.height];
    if (w < 300 || h < 300) return false;
    const c = canvas.getContext("2d");
    return bar(c, w, h, {PANEL_HEIGHT // 2}) && wallpaper(c, w, h) && bar(c, w, h, h - {PANEL_HEIGHT // 2})
      && ink(c, w, h, [8, 4, 250, 24], 150) && ink(c, w, h, [-125, 4, 0, 24], 80)
      && count(pixels(c, w, h, [-130, -26, 0, -2]), (r, g) => g > 90 && g > r + 40) >= 200
      && ink(c, w, h, [30, 97, 150, 117], 50) && ink(c, w, h, [20, 177, 160, 197], 50);
  }};
  const look = () => {{
    const canvas = document.querySelector("#screen canvas");
    if (canvas && complete(canvas)) sessionStorage.setItem("{COMPLETE}", now());
    else requestAnimationFrame(look);
  }};
  requestAnimationFrame(look);
}})();
"""
