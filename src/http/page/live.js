// That something changed, as the server tells it; the browser reconnects by itself and resumes
// where it was. What changed is asked for: the server remembers it.

import { get } from "./api.js";

const KINDS = ["online", "offline", "changed", "alias"];
/// How long until another try where the server refuses, in milliseconds.
const AGAIN = 2_000;

let listener = null;
let source = null;

/// Calls `changed` whenever something changed, or may have.
export async function follow(changed) {
  listener = changed;
  try {
    open(behind(await get("/v1/status")));
  } catch {
    setTimeout(() => follow(changed), AGAIN);
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
  for (const kind of KINDS) source.addEventListener(kind, () => listener(1));
  source.addEventListener("reset", reset);
  source.addEventListener("open", () => listener(0));
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && again());
}

/// The server refused the stream, or drains: another try.
function again() {
  source.close();
  setTimeout(() => follow(listener), AGAIN);
}

/// What was missed cannot be told: everything is looked at anew, and followed from there.
function reset() {
  source.close();
  follow(listener);
  listener(0);
}
