/** Rename in place: the title becomes a field, Enter keeps, Esc leaves it. */

import { askApi, Away } from "../../../../shared/assets/js/page/ask.mjs";
import { toast } from "../../../../shared/assets/js/page/toasts.mjs";

export function renaming(id, renamed) {
  const button = document.getElementById("title-button");
  button?.addEventListener("click", () => {
    const field = document.createElement("input");
    field.className = "title-input";
    field.maxLength = 80;
    field.value = button.textContent;
    field.setAttribute("aria-label", "Name of this session");
    let over = false;
    const back = () => {
      over = true; // before the field goes: going, it tells of its blur
      field.replaceWith(button);
    };
    const keep = async () => {
      if (over) return;
      const title = field.value.trim().replace(/\s+/g, " ");
      const focused = document.activeElement === field;
      back();
      if (focused) button.focus();
      if (!title || title === button.textContent) return;
      try {
        const answer = await askApi("PATCH", `/instances/${id}`, { title });
        if (answer.status === 200) renamed(title);
        else toast(answer.body?.title ?? "It could not be renamed.");
      } catch (error) {
        if (!(error instanceof Away)) throw error;
        toast("We lost contact with ASCI. The name stays.");
      }
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault(); // else the same key would press the button that takes the focus
      if (event.key === "Enter") keep();
      else {
        back();
        button.focus();
      }
    });
    field.addEventListener("blur", keep);
    button.replaceWith(field);
    field.focus();
    field.select();
  });
}
