// The banner's sentences come from the server; a page that stays open asks whether they are still true.

const EVERY_MS = 30000;

async function isWell(url) {
  try {
    return (await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return null; // no answer at all: the live socket speaks of that
  }
}

/** When the site's health turns, the banner is fetched anew; once a problem is gone the whole page is, with the numbers it lacked. */
export function startWatch(banner) {
  const url = banner.dataset.healthz;
  const problems = () => [...banner.querySelectorAll("[data-problem]")].map((box) => box.textContent).join();
  let well = problems() === "";
  setInterval(async () => {
    const now = await isWell(url);
    if (now === null || now === well) return;
    well = now;
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = [...page.querySelectorAll("#banner [data-problem]")];
    if (fresh.length === 0 && problems() !== "") location.reload();
    for (const box of banner.querySelectorAll("[data-problem]")) box.remove();
    banner.prepend(...fresh);
  }, EVERY_MS);
}
