// What the server told this page: texts, language, the house's zone.

const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

export const lang = document.documentElement.lang || "en";
export const zone = document.body.dataset.zone || "UTC";

/** The text of that name with its {words} filled in. Always used as text, never as HTML. */
export function say(name, words = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (_, word) => String(words[word] ?? ""));
}

export function readJson(id) {
  const element = document.getElementById(id);
  return element === null ? null : JSON.parse(element.textContent);
}
