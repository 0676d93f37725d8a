// The bars of the energy page, and the curves of the solar page, fetched after their numbers. Sentences and tables are in the HTML already.

import { say } from "./house.js";

export async function startEnergy(config) {
  const cards = [...document.querySelectorAll("[data-bars], [data-curve]")];
  window.energysite = { bars: {}, curves: {} };
  if (cards.length === 0) return;
  try {
    const [answer, { createBars, createCurve }] = await Promise.all([fetchJson(config.dataUrl), import(config.chartUrl)]);
    for (const card of cards) {
      const { bars, curve } = card.dataset;
      const read = card.querySelector("[data-readout]");
      const readOut = (text) => (read.textContent = text);
      const drawn = card.querySelector("[data-chart]");
      const chart = answer.charts?.find(({ key }) => key === bars);
      if (chart !== undefined) window.energysite.bars[bars] = createBars(drawn, answer, chart, readOut);
      if (answer.curves?.[curve] !== undefined) window.energysite.curves[curve] = createCurve(drawn, answer.curves[curve], readOut);
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
