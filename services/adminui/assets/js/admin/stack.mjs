/** Each line on top of the ones before it (pure); where one is unknown the stack has a gap. */
export function stack(lines) {
  const tops = [];
  for (const line of lines) {
    const below = tops.at(-1);
    tops.push(line.map((value, at) => (value === null || (below && below[at] === null) ? null : value + (below ? below[at] : 0))));
  }
  return tops;
}
