// Colours of the theme and hatching, for drawing on a canvas.

const NAMES = { ink: "--ink", ink2: "--ink-2", ink3: "--ink-3", onInk: "--on-ink", line: "--line", lineStrong: "--line-strong", import: "--import", export: "--export", exportSoft: "--export-soft", hatch: "--hatch" };
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
