// Events of the server as they come; the browser reconnects by itself and resumes where it was.

import { get } from "./api.js";

/// Events that are kept to be shown.
const KEPT = 300;
const KINDS = ["online", "offline", "changed", "alias"];

/// The newest events, newest first: `{ time, kind, instance }` or `{ time, kind, alias }`.
export const recent = [];
let listener = null;
let source = null;

/// Calls `changed` whenever something changed, or may have.
export async function follow(changed) {
  listener = changed;
  try {
    open(behind(await get("/v1/status")));
  } catch {
    setTimeout(() => follow(changed), 2_000);
  }
}

/// The id of what the zones hold: what is there already is listed, not told.
function behind({ zones }) {
  const ids = zones.filter(({ schema }) => schema === "services").map(({ id }) => id);
  return ids.every((id) => id !== null) ? ids.join(",") : undefined;
}

/// Opens the stream behind an id.
function open(id) {
  source = new EventSource(id ? `/v1/events?since=${encodeURIComponent(id)}` : "/v1/events");
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

/// Takes an event in: what it is about, and what became of that.
function take(kind, event) {
  const { instance, alias, change } = JSON.parse(event.data);
  recent.unshift({ time: new Date(), kind: change ?? kind, instance, alias });
  recent.length = Math.min(recent.length, KEPT);
  listener();
}
