// Colours of the theme and hatching, for drawing on a canvas.

const NAMES = { ink: "--ink", ink2: "--ink-2", ink3: "--ink-3", onInk: "--on-ink", line: "--line", lineStrong: "--line-strong", import: "--import", importSoft: "--import-soft", export: "--export", exportSoft: "--export-soft", hatch: "--hatch", card: "--card", solar: "--solar", solarSoft: "--solar-soft", battery: "--battery", batterySoft: "--battery-soft", gas: "--gas", water: "--water", before: "--before" };
const TILE = 8;

/** The colours as the browser resolves them for this element in the theme of now. */
export function themeColours(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const colours = { font: getComputedStyle(element).fontFamily };
  for (const [name, property] of Object.entries(NAMES)) {
    probe.style.color = `var(${property})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

/** Level lines as a repeated tile. */
export function stripes(colour, ground) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 6, 6);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 6, 3);
  return { image: tile, repeat: "repeat" };
}

/** Diagonal lines as a repeated tile: a pattern for who cannot tell the colours apart. */
export function hatch(colour, ground = null) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = TILE;
  const pen = tile.getContext("2d");
  if (ground !== null) {
    pen.fillStyle = ground;
    pen.fillRect(0, 0, TILE, TILE);
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const shift of [-TILE, 0, TILE]) {
    pen.moveTo(shift, TILE);
    pen.lineTo(shift + TILE, 0);
  }
  pen.stroke();
  return { image: tile, repeat: "repeat" };
}
