/** Follows a service's log every two seconds while the page is seen; stays at the end unless one scrolled up. */

import { ask, Away } from "../../../../shared/assets/js/page/ask.mjs";

const PACE = 2000;

export function followLog(id) {
  setInterval(async () => {
    const box = document.getElementById("live-log");
    if (!box || document.hidden) return;
    try {
      const answer = await ask(`/s/${id}/log`);
      if (!answer.ok) return;
      const text = await answer.text();
      const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
      if (box.textContent !== text) box.textContent = text;
      if (atEnd) box.scrollTop = box.scrollHeight;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
    }
  }, PACE);
}
