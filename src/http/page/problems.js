// What cannot be served, and what to do about it.

import { get } from "./api.js";
import { cut, fill, make, number, say, table } from "./dom.js";
import { known } from "./known.js";
import { keyNode, toZone } from "./links.js";
import { doubt } from "./state.js";

/// Problems that are shown at once.
const SHOWN = 500;

/// The least time between two looks, in milliseconds, and how much longer than a look it is at
/// least: to find all problems of a million instances takes the server a second.
const PAUSE = 1_000;
const REST = 20;

/// The problems; null before the first word of the server.
let all = null;
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

/// Problems of those that are known.
export const problemsAt = (is) => (all ?? []).filter(is);

/// Whether problems were looked for.
export const haveLooked = () => all !== null;

/// What is said where there is no problem: that nothing is wrong only where all is known.
function nothing() {
  if (!all) return "The server has not been asked for problems yet.";
  return doubt(known.status) ?? "Nothing is wrong: every key and document can be served.";
}

/// The view: a filter and a table.
export function problems() {
  const filter = make("input", { type: "search", id: "filter", placeholder: "part of a key, a zone or a problem", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const count = make("p", { class: "faint", role: "status" });
  const body = make("div", {});
  const node = make("section", { class: "panel", "aria-label": "Problems" },
    make("label", { for: "filter" }, "Search problems"), filter, count, body);

  function draw(fault) {
    if (fault?.message && !all?.length) return say(count, fault.message);
    const wanted = filter.value.trim().toLowerCase();
    const found = problemsAt(({ zone, key, problem }) => `${key} ${zone} ${problem}`.toLowerCase().includes(wanted));
    say(count, all?.length ? `${number(found.length)} of ${number(all.length)} problems` : "");
    if (!all?.length) return fill(body, make("p", { class: "empty" }, nothing()));
    const unsure = doubt(known.status);
    fill(body, unsure ? make("p", { class: "note warn" }, unsure) : null,
      found.length ? table([["Key"], ["Problem"], ["What to do", "wide"]], found.slice(0, SHOWN).map(row)) : make("p", { class: "empty" }, "No problem is found by that."),
      found.length > SHOWN ? make("p", { class: "faint" }, `and ${number(found.length - SHOWN)} more; search to see them`) : null);
  }

  filter.addEventListener("input", () => draw());
  return {
    node,
    refresh: () => draw(),
    enter([text]) {
      if (text !== undefined) filter.value = text;
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
  return [[keyNode(zone, key), " ", make("a", { href: toZone(zone), class: "faint" }, zone)], cut(problem, 240), remedy];
}
