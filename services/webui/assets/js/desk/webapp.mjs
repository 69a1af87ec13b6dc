/** Opens a web application: the one-time password is posted to its own host in a new tab, and forgotten here. */

import { askApi, Away } from "../../../../shared/assets/js/page/ask.mjs";

export async function openWebApp(id, say) {
  say("");
  let answer;
  try {
    answer = await askApi("POST", `/instances/${id}/connections`, { mode: "control" });
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    return say("ASCI does not answer. Your application keeps running. Try again.");
  }
  if (answer.status !== 201) return say([answer.body?.title, answer.body?.next_step].filter(Boolean).join(" ") || "It could not be opened. Try again.");
  const form = document.createElement("form");
  form.method = "post";
  form.action = answer.body.url;
  form.target = "_blank";
  form.rel = "noopener";
  for (const [name, value] of [["connection", answer.body.id], ["password", answer.body.password]]) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}
