// What runs on every page. Small and without charts: those come after the numbers.

import { startAgent } from "./agent.js";
import { startControl, startLoads } from "./control.js";
import { startDay } from "./day.js";
import { startEnergy } from "./energy.js";
import { readJson } from "./house.js";
import { startHouse } from "./housenow.js";
import { LiveLink } from "./live.js";
import { startNow } from "./now.js";
import { startSolar } from "./solar.js";
import { startStatus } from "./status.js";
import { startTheme } from "./theme.js";
import { startWatch } from "./watch.js";

startTheme();
startWatch(document.getElementById("banner"));

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

const path = document.body.dataset.socket;
const link = path ? new LiveLink(path) : null;
if (link !== null) startStatus(link);

const now = document.querySelector("[data-source][data-live]");
if (link !== null && now !== null) {
  startNow(now, link);
  startHouse(now, link);
}

// A page without a meter has nothing to follow: with the first frame of any there is something to show.
if (document.querySelector("[data-no-meter]") !== null) link?.addEventListener("frame", () => location.reload());

const day = document.getElementById("day");
if (day !== null) startDay(day, readJson("day-config"), link);

const solar = document.querySelector("[data-solar]");
if (link !== null && solar !== null) startSolar(solar, link);

const control = document.querySelector("[data-control]");
if (link !== null && control !== null) startControl(control, link);

const loads = document.querySelector("[data-loads]");
if (link !== null && loads !== null) startLoads(loads, link);

const agent = document.querySelector("[data-agent]");
if (link !== null && agent !== null) startAgent(agent);

const energy = readJson("energy-config");
if (energy !== null) startEnergy(energy);
