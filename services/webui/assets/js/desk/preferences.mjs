/** What a person chose about desktops, kept by this browser. Without storage the defaults hold. */

export function recall(name, fallback) {
  try {
    return localStorage.getItem(`asci-${name}`) ?? fallback;
  } catch {
    return fallback;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`asci-${name}`, value);
  } catch {
    // the choice holds until the page closes
  }
}
