/** Who came and who left between two lists of people (pure): sentences for toasts. */

export function changes(before, after, me) {
  const was = new Map(before.map((person) => [person.username, person]));
  const is = new Map(after.map((person) => [person.username, person]));
  const came = after.filter((person) => person.username !== me && !was.has(person.username));
  const left = before.filter((person) => person.username !== me && !is.has(person.username));
  return [
    ...came.map((person) => `${person.name} joined, ${person.mode === "view" ? "watching" : "controlling"}.`),
    ...left.map((person) => `${person.name} left.`),
  ];
}
