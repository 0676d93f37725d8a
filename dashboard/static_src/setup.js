// First start: pages that wait for the house to start or for a meter to be heard, and a password one can look at.

const POLL_MS = 1000;
const TOO_LONG_S = 90;

async function fetchJson(url) {
  try {
    const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return response.ok ? await response.json() : null;
  } catch {
    return null; // the site is starting: the next poll asks again
  }
}

function every(milliseconds, step) {
  const run = async () => {
    if (!(await step())) setTimeout(run, milliseconds);
  };
  run();
}

function waitForHouse(box) {
  const began = performance.now();
  const waited = box.querySelector("[data-waited]");
  every(POLL_MS, async () => {
    const health = await fetchJson(box.dataset.waitForHouse);
    if (health?.mode === "house") {
      location.replace(box.dataset.then);
      return true;
    }
    const seconds = Math.round((performance.now() - began) / 1000);
    waited.textContent = seconds;
    box.querySelector("[data-too-long]").hidden = seconds < TOO_LONG_S;
    return false;
  });
}

function waitForLook(box) {
  const waited = box.querySelector("[data-waited]");
  const progress = box.querySelector("[data-progress]");
  const note = box.querySelector("[data-note]");
  every(POLL_MS, async () => {
    const look = await fetchJson(box.dataset.look);
    if (!look) return false;
    if (look.state !== "running") {
      location.reload();
      return true;
    }
    waited.textContent = look.waited_s;
    progress.value = look.waited_s;
    note.textContent = look.note;
    return false;
  });
}

function showPassword(input) {
  const template = document.getElementById("show-password");
  const button = template.content.firstElementChild.cloneNode(true);
  input.after(button);
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
  input.form.addEventListener("submit", () => (input.type = "password"));
}

// A device may take some seconds: the button says so, and a second press asks it nothing.
function tellBusy(form) {
  const button = form.querySelector("button:not([type])");
  const words = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled")) return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    button.textContent = form.dataset.busy;
  });
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  });
}

document.querySelectorAll("[data-wait-for-house]").forEach(waitForHouse);
document.querySelectorAll("[data-look]").forEach(waitForLook);
document.querySelectorAll("input[type=password][autocomplete=new-password]").forEach(showPassword);
document.querySelectorAll("form[data-busy]").forEach(tellBusy);
