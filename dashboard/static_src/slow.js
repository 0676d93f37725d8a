// While the live socket stays away but the site answers: the newest stored reading every 10 s.

import { serverNow } from "./clock.js";

const EVERY_MS = 10000;
const AWAY_S = 5;

/** Sets `link.slow` and sends "reading" events ({source, time, w}) on the link while that is so. */
export function startSlow(link, source, newest) {
  link.addEventListener("up", () => (link.slow = false));
  setInterval(async () => {
    if (link.up || link.downSince === null || serverNow() - link.downSince < AWAY_S) return;
    try {
      const reading = await newest();
      if (link.up || reading === null) return;
      link.slow = true;
      link.dispatchEvent(new CustomEvent("reading", { detail: { source, time: reading[0], w: reading[1] } }));
    } catch {
      link.slow = false; // the house itself cannot be reached: the banner says so
    }
  }, EVERY_MS);
}
