// The pages of control: cards that follow the controllers, and agents whose state and settings go by their own sockets.

import { startAgent } from "./agent.js";
import { startParts } from "./parts.js";

export function startControl(root, link) {
  startParts(root, root.dataset.url, link);
  for (const details of root.querySelectorAll("details[data-agent-url]")) startDetails(details);
}

export function startLoads(tile, link) {
  startParts(tile, tile.dataset.url, link);
}

/** A socket for an agent while it is open, and no longer: nobody has more than 20. */
function startDetails(details) {
  const more = details.querySelector("[data-agent-more]");
  const plain = more.innerHTML;
  let agent = null;
  details.addEventListener("toggle", async () => {
    if (!details.open) {
      agent?.stop();
      agent = null;
      more.innerHTML = plain;
      return;
    }
    try {
      const response = await fetch(details.dataset.agentUrl, { signal: AbortSignal.timeout(8000) });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const body = page.querySelector("[data-agent]");
      if (body === null || !details.open) return;
      more.replaceChildren(document.adoptNode(body));
      agent = startAgent(body);
    } catch {
      // the link to its own page stays
    }
  });
}
