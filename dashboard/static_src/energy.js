// The bars of the energy page, fetched after its numbers. Sentences and tables are in the HTML already.

import { say } from "./house.js";

export async function startEnergy(config) {
  const cards = [...document.querySelectorAll("[data-bars]")];
  window.energysite = { bars: {} };
  try {
    const [answer, { createBars }] = await Promise.all([fetchJson(config.dataUrl), import(config.chartUrl)]);
    for (const card of cards) {
      const chart = answer.charts.find(({ key }) => key === card.dataset.bars);
      if (chart === undefined) continue;
      const readOut = card.querySelector("[data-readout]");
      const bars = createBars(card.querySelector("[data-chart]"), answer, chart, (text) => (readOut.textContent = text));
      window.energysite.bars[chart.key] = bars;
    }
  } catch (error) {
    for (const card of cards) {
      const trouble = card.querySelector("[data-trouble]");
      trouble.textContent = say("bars_failed");
      trouble.hidden = false;
    }
    throw error;
  }
}

async function fetchJson(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(30000) });
  if (!response.ok) throw new Error(`${response.status} ${url}`);
  return response.json();
}
