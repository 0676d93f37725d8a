// Parts of a page that the server writes anew: fetched when a controller spoke, and now and then; put in place where they changed.

const FIRST_MS = 300;
const LEAST_MS = 2000;
const EVERY_MS = 20000;

/** Renews the parts of `root` from `url` when a frame of a controller comes, at most every two seconds. */
export function startParts(root, url, link) {
  let timer = null;
  let last = 0;
  const renew = async () => {
    timer = null;
    last = performance.now();
    try {
      const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (response.ok) place(root, (await response.json()).parts);
    } catch {
      // the banner says that the house cannot be reached; the next frame or the next turn tries again
    }
  };
  const soon = () => {
    timer ??= setTimeout(renew, Math.max(FIRST_MS, LEAST_MS - (performance.now() - last)));
  };
  link.addEventListener("frame:control", soon);
  link.addEventListener("up", soon);
  setInterval(() => document.visibilityState === "visible" && soon(), EVERY_MS);
  return soon;
}

export function place(root, parts) {
  for (const [key, [mark, html]] of Object.entries(parts)) {
    const part = root.querySelector(`[data-part="${CSS.escape(key)}"]`);
    if (part === null || part.dataset.mark === mark || isUsed(part)) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
    part.innerHTML = html;
    part.dataset.mark = mark;
    for (const id of open) part.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus();
  }
}

/** Somebody is choosing in it: what they chose must not jump back. */
function isUsed(part) {
  return part.matches(":has(select:focus, input:focus)");
}
