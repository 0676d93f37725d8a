// The live socket: frames merged per source, reconnects with back-off, at once when the network or the page comes back.

import { serverNow, setServerNow } from "./clock.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 10000;
const SILENCE_MS = 30000;
// The server's close codes: who is no longer logged in has to log in, who may not look is told so by the page itself.
const LOGIN = 4401;
const NO_MORE = [4403, 4404];
const FRAMES_LOST = 4012;

/**
 * Events: "up" (hello came), "down", "frame" (detail: a meter's merged frame). What is no meter's comes under its own kind:
 * "frame:inverter", "frame:balance", "frame:weather", "frame:analog", "frame:control".
 */
export class LiveLink extends EventTarget {
  constructor(path) {
    super();
    this.url = new URL(path, location.href);
    this.url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.frames = new Map();
    this.up = false;
    this.downSince = null;
    this.wait_ms = FIRST_WAIT_MS;
    this.timer = null;
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("offline", () => this.drop());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.awake());
    setInterval(() => this.check(), 5000);
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heard = performance.now();
    socket.onmessage = (event) => socket === this.socket && this.receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.closed(event.code);
  }

  receive(message) {
    this.heard = performance.now();
    if (message.type === "hello") {
      setServerNow(message.now);
      this.up = true;
      this.wait_ms = FIRST_WAIT_MS;
      this.frames.clear();
      this.dispatchEvent(new CustomEvent("up"));
    } else if (message.type === "frame") {
      const frame = this.merge(message);
      this.dispatchEvent(new CustomEvent(frame.kind === undefined ? "frame" : `frame:${frame.kind}`, { detail: frame }));
    }
  }

  /** A frame holds what changed since the last one of this connection; null means gone. */
  merge({ type, full, ...changed }) {
    const frame = full ? {} : { ...this.frames.get(changed.source) };
    for (const [name, value] of Object.entries(changed)) {
      if (value === null) delete frame[name];
      else frame[name] = value;
    }
    this.frames.set(frame.source, frame);
    return frame;
  }

  closed(code) {
    if (code === LOGIN || NO_MORE.includes(code)) {
      location.reload();
      return;
    }
    if (code === FRAMES_LOST && this.up) this.wait_ms = 0;
    if (this.up || this.downSince === null) this.downSince = serverNow();
    this.up = false;
    this.dispatchEvent(new CustomEvent("down"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.wait_ms);
    this.wait_ms = Math.min(LONGEST_WAIT_MS, Math.max(FIRST_WAIT_MS, this.wait_ms * 2));
  }

  /** Lets go of a socket that no longer carries anything: the browser may notice only minutes later. */
  drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.closed();
  }

  /** Waiting for the next try: try now. */
  hurry() {
    if (this.timer !== null) {
      this.wait_ms = FIRST_WAIT_MS;
      this.open();
    }
  }

  awake() {
    this.hurry();
    this.check();
  }

  /** No word for 30 s: either the meter is silent or the line is dead. A new connection tells which. */
  check() {
    if (this.timer === null && performance.now() - this.heard > SILENCE_MS) this.drop();
  }
}
