// Events of the server as they come; the browser reconnects by itself and resumes where it was.

import { get } from "./api.js";

/// Events that are kept to be shown.
const KEPT = 300;
const KINDS = ["online", "offline", "changed", "alias"];

/// The newest events, newest first: `{ time, kind, instance }`.
export const recent = [];
let listener = null;
let source = null;

/// Calls `changed` whenever something changed, or may have.
export async function follow(changed) {
  listener = changed;
  try {
    const { position } = await get("/v1/status");
    open(position);
  } catch {
    setTimeout(() => follow(changed), 2_000);
  }
}

/// Opens the stream behind a position: what was there before is listed, not told.
function open(position) {
  source = new EventSource(`/v1/events?since=${encodeURIComponent(position)}`);
  for (const kind of KINDS) source.addEventListener(kind, (event) => take(kind, event));
  source.addEventListener("reset", reset);
  source.addEventListener("open", () => listener());
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && again());
}

/// The server refused the stream, or drains: another try.
function again() {
  source.close();
  setTimeout(() => follow(listener), 2_000);
}

/// What was missed cannot be told: everything is looked at anew, and followed from there.
function reset() {
  source.close();
  follow(listener);
  listener();
}

function take(kind, event) {
  const { instance } = JSON.parse(event.data);
  recent.unshift({ time: new Date(), kind, instance });
  recent.length = Math.min(recent.length, KEPT);
  listener();
}
