// One agent by its socket: its state as it changes, and its settings, sent with the version that was seen.

import { duration, serverNow } from "./clock.js";
import { say, zone } from "./house.js";

const EPOCHS = 1e9;
const LONGEST = 300;
const AGAIN_MS = 3000;
const ANSWER_MS = 10000;
// The server's close codes: no session, no right, no such agent, too many sockets.
const NO_MORE = [4401, 4403, 4404, 4429];

const moment = new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });

/** Returns {stop}: closes the socket. */
export function startAgent(body) {
  const labels = JSON.parse(body.querySelector("script[type='application/json']").textContent);
  const url = new URL(`/ws/agents/${body.dataset.socketName}/`, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let over = false;
  let waiting = null;
  const open = () => {
    socket = new WebSocket(url);
    socket.onmessage = ({ data }) => receive(JSON.parse(data));
    socket.onclose = ({ code }) => {
      waiting?.(null);
      if (!over && !NO_MORE.includes(code)) setTimeout(() => over || open(), AGAIN_MS);
    };
  };
  const receive = (message) => {
    if (message.type === "state") showState(body, labels, message.state);
    else if (waiting !== null) waiting(message);
    else if (message.ok === false) showError(body, message.error);
  };
  const ask = (message) =>
    new Promise((resolve) => {
      if (socket.readyState !== WebSocket.OPEN) return resolve(null);
      const done = (answer) => {
        clearTimeout(timer);
        waiting = null;
        resolve(answer);
      };
      const timer = setTimeout(() => done(null), ANSWER_MS);
      waiting = done;
      socket.send(JSON.stringify(message));
    });
  open();
  const form = body.querySelector("[data-agent-form]");
  if (form !== null) startForm(body, form, ask);
  return {
    stop() {
      over = true;
      socket.close();
    },
  };
}

function showState(body, labels, state) {
  const list = body.querySelector("[data-agent-state]");
  const shown = new Map([...list.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row]));
  if (shown.size === 0) list.replaceChildren();
  for (const [key, value] of Object.entries(state)) {
    const row = shown.get(key) ?? list.appendChild(newRow(key, labels[key] ?? key));
    const text = valueText(labels, key, value);
    if (row.lastElementChild.textContent !== text) row.lastElementChild.textContent = text;
  }
  if ("error" in state) showError(body, errorText(state.error));
  const ago = body.closest("details")?.querySelector("summary .note");
  if (ago && state.at) ago.textContent = say("ago", { age: duration(serverNow() - state.at) });
}

function newRow(key, label) {
  const row = document.createElement("div");
  row.dataset.key = key;
  const [name, value] = [document.createElement("dt"), document.createElement("dd")];
  name.textContent = label;
  row.append(name, value);
  return row;
}

/** As agent_rows.value writes it. */
function valueText(labels, key, value) {
  if (value === null || value === "") return "–";
  if (key === "error") return errorText(value);
  if (typeof value === "boolean") return value ? labels.yes : labels.no;
  if (typeof value === "number" && value >= EPOCHS && !key.endsWith("_wh")) return moment.format(value * 1000);
  return plain(value).slice(0, LONGEST) || "–";
}

/** Lists and names with values, without the signs of programs. */
function plain(value) {
  if (value === null) return "–";
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} ${plain(one)}`).join(", ");
  return String(value);
}

function errorText(error) {
  if (!error) return "";
  return typeof error === "string" ? error : String(error.text ?? "").replace(/%\((\w+)\)s/g, (_, name) => String(error.params?.[name] ?? ""));
}

function showError(body, text) {
  const box = body.querySelector("[data-agent-error]");
  box.hidden = text === "";
  if (box.textContent !== text) box.textContent = text;
}

function startForm(body, form, ask) {
  const fields = [...form.querySelectorAll("[data-setting]")];
  const seen = new Map(fields.map((field) => [field, raw(field)]));
  const refused = form.querySelector("[data-agent-refused]");
  const saved = form.querySelector("[data-agent-saved]");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    const changed = fields.filter((field) => raw(field) !== seen.get(field));
    clear(form, refused);
    saved.textContent = "";
    if (changed.length === 0) {
      saved.textContent = body.dataset.unchanged;
      return;
    }
    button.setAttribute("aria-disabled", "true");
    const values = Object.fromEntries(changed.map((field) => [field.dataset.setting, typed(field)]));
    const answer = await ask({ command: "set_config", values, version: Number(form.elements.version.value) });
    button.removeAttribute("aria-disabled");
    if (answer === null) return tell(refused, body.dataset.away);
    if (!answer.ok) {
      refuse(form, refused, answer);
      const config = await ask({ command: "get_config" });
      if (config?.ok) take(form, fields, seen, config);
      return;
    }
    form.elements.version.value = answer.version;
    for (const field of fields) {
      if (field.type === "password") field.value = "";
      seen.set(field, raw(field));
    }
    saved.textContent = body.dataset.saved;
  });
}

/** What others have saved meanwhile; what this person changed and has not saved stays. */
function take(form, fields, seen, { version, values }) {
  form.elements.version.value = version;
  for (const field of fields) {
    const stored = values[field.dataset.setting];
    const touched = raw(field) !== seen.get(field);
    const mine = raw(field);
    if (field.type === "checkbox") field.checked = stored === true;
    else if (field.type !== "password") field.value = stored ?? "";
    seen.set(field, raw(field));
    if (!touched) continue;
    if (field.type === "checkbox") field.checked = mine;
    else field.value = mine;
  }
}

function raw(field) {
  return field.type === "checkbox" ? field.checked : field.value;
}

/** The value as the agent wants it; what is no number goes as text, and the answer says what is wrong with it. */
function typed(field) {
  const value = raw(field);
  switch (field.dataset.type) {
    case "int":
    case "float": {
      if (value === "") return null;
      const number = Number(value.replace(",", "."));
      return Number.isNaN(number) ? value : number;
    }
    case "reference":
      return value === "" ? null : value;
    default:
      return value;
  }
}

function clear(form, refused) {
  refused.hidden = true;
  for (const list of form.querySelectorAll("[data-field-error]")) list.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function refuse(form, refused, { error, errors }) {
  const named = Object.entries(errors ?? {}).filter(([name]) => form.querySelector(`[data-setting="${CSS.escape(name)}"]`) !== null);
  if (named.length === 0) return tell(refused, error);
  for (const [name, texts] of named) {
    const field = form.querySelector(`[data-setting="${CSS.escape(name)}"]`);
    field.setAttribute("aria-invalid", "true");
    const text = document.createElement("p");
    text.className = "field__errors";
    text.dataset.fieldError = "";
    text.setAttribute("role", "alert");
    text.textContent = texts.join(" ");
    field.after(text);
  }
  form.querySelector("[aria-invalid]").focus();
}

function tell(box, text) {
  box.textContent = text;
  box.hidden = false;
}
