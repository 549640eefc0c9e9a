// What came, went and changed while the page was open.

import { fill, make } from "./dom.js";
import { meaning } from "./services.js";
import { recent } from "./live.js";

const KINDS = { online: "good", offline: "bad", changed: "warn" };

/// The view: the newest first.
export function events() {
  const feed = make("ol", { class: "feed", "aria-label": "Events" });
  const empty = make("p", { class: "empty" }, "Nothing has changed since this page was opened.");
  const node = make("section", { class: "panel", "aria-label": "Events" }, feed, empty);

  function refresh() {
    empty.classList.toggle("hidden", recent.length > 0);
    fill(feed, recent.map(entry));
  }
  return { node, refresh, enter: refresh };
}

/// One event: of an instance, or of a frontend or backend.
function entry({ time, kind, instance, alias }) {
  const { name, zone } = instance ?? alias;
  const where = `#/services/${encodeURIComponent(zone)}/${encodeURIComponent(name)}`;
  const what = instance
    ? [make("code", {}, instance.id), " ", make("code", { class: "faint" }, instance.host)]
    : [make("span", { class: "faint" }, meaning(alias))];
  return make("li", {},
    make("time", { datetime: time.toISOString() }, time.toLocaleTimeString("en-GB")),
    make("span", {}, make("span", { class: `tag ${KINDS[kind]}` }, kind)),
    make("span", {}, make("a", { href: where }, name), " ", what));
}
