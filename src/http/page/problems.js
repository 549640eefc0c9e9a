// What cannot be served, and what to do about it.

import { get } from "./api.js";
import { fill, make, number, say, table } from "./dom.js";

/// Problems that are shown at once.
const SHOWN = 500;

/// The least time between two looks, in milliseconds, and how much longer than a look it is at
/// least: to find all problems of a million instances takes the server a second.
const PAUSE = 1_000;
const REST = 20;

let all = [];
/// Zones of which nothing is known yet; none at all before the first word of the server.
let unlisted = null;
let listener = null;
let busy = false;

/// Looks for problems, unless that was done just now, and says how many there are. Gives
/// whether it was done.
export async function look(count) {
  if (busy) return false;
  busy = true;
  const begun = performance.now();
  try {
    all = await get("/v1/problems");
    count(all.length);
    listener?.();
  } catch (fault) {
    listener?.(fault);
  }
  setTimeout(() => (busy = false), Math.max(PAUSE, REST * (performance.now() - begun)));
  return true;
}

/// Learns which zones nothing is known of yet: that nothing is wrong there is not known, either.
export function learn(zones) {
  if (String(zones) === String(unlisted)) return;
  unlisted = zones;
  listener?.();
}

/// What is said where there is no problem.
function nothing() {
  if (!unlisted) return "";
  return unlisted.length ? `Nothing is known yet of ${unlisted.join(", ")}: the registry has not been listed.` : "Nothing is wrong: every key and document can be served.";
}

/// The view: a filter and a table.
export function problems() {
  const filter = make("input", { type: "search", id: "filter", placeholder: "part of a key or a problem", autocomplete: "off", spellcheck: "false" });
  const count = make("p", { class: "faint", role: "status" });
  const body = make("div", {});
  const node = make("section", { class: "panel", "aria-label": "Problems" },
    make("label", { for: "filter" }, "Search problems"), filter, count, body);

  function draw(fault) {
    if (fault?.message && !all.length) return say(count, fault.message);
    const wanted = filter.value.trim().toLowerCase();
    const found = all.filter(({ key, problem }) => `${key} ${problem}`.toLowerCase().includes(wanted));
    say(count, all.length ? `${number(found.length)} of ${number(all.length)} problems` : "");
    if (!all.length) return fill(body, make("p", { class: "empty" }, nothing()));
    fill(body, table([["Key"], ["Problem"], ["What to do"]], found.slice(0, SHOWN).map(row)),
      found.length > SHOWN ? make("p", { class: "faint" }, `and ${number(found.length - SHOWN)} more; search to see them`) : null);
  }

  filter.addEventListener("input", () => draw());
  return {
    node,
    enter() {
      listener = draw;
      draw();
    },
    leave() {
      listener = null;
    },
  };
}

/// A problem as a line of the table.
function row({ zone, key, problem, remedy }) {
  return [[make("code", {}, key), make("span", { class: "faint" }, ` ${zone}`)], problem, remedy];
}
