// The figures at the head of the page: how much is asked, how much changes, how much fails.

import { at, fill, make, number, rate, say, spark } from "./dom.js";

/// One figure, what it is, and what else is to be said of it.
function figure(label, value, { drawing, beside } = {}) {
  const kind = drawing ? "figure wide" : "figure";
  const note = beside ? make("span", { class: "beside" }, beside) : null;
  return make("div", { class: kind }, drawing, make("span", { class: "label" }, label), make("span", { class: "value" }, value), note);
}

/// How long so many steps are.
const minutes = (steps, seconds) => `${Math.max(1, Math.round((steps * seconds) / 60))} min`;

/// A rate of the moment with its line, its highest and how long that is.
function line(label, counts, seconds, kind) {
  const values = counts.map((count) => count / seconds);
  const [now, most] = [values.at(-1) ?? 0, Math.max(0, ...values)];
  const last = minutes(values.length, seconds);
  const words = `${label}: ${rate(now)} now, at most ${rate(most)} in the last ${last}`;
  return figure(label, rate(now), { drawing: spark(values, words, kind), beside: `max ${rate(most)}, ${last}` });
}

const total = (counts) => counts.reduce((sum, count) => sum + count, 0);
const percent = (part, whole) => (whole ? (100 * part) / whole : 0);

/// The share of a code among replies, and when it was highest.
function share(label, counts, replies, seconds) {
  const all = percent(total(counts), total(replies));
  const most = Math.max(0, ...counts.map((count, n) => percent(count, replies[n])));
  return figure(label, `${rate(all)} %`, { beside: `max ${rate(most)} %, ${minutes(counts.length, seconds)}` });
}

const sum = (zones, member) => zones.reduce((all, zone) => all + (zone[member] ?? 0), 0);

/// Draws the figures.
export function figures(node, { zones, lately }) {
  const { seconds, queries, changes, replies = [], servfail = [], nxdomain = [] } = lately;
  say(at("service-count"), number(sum(zones, "services")));
  const held = sum(zones, "held");
  const entries = sum(zones, "entries");
  fill(node,
    line("Queries a second", queries, seconds, ""),
    line("Changes a second", changes, seconds, "second"),
    share("SERVFAIL", servfail, replies, seconds),
    share("NXDOMAIN", nxdomain, replies, seconds),
    figure("Services", number(sum(zones, "services"))),
    figure("Instances", number(sum(zones, "instances"))),
    entries ? figure("SkyDNS entries", number(entries)) : null,
    held ? figure("Removals held", number(held)) : null,
  );
}

/// Says how many problems there are, if any.
export function problemCount(problems) {
  say(at("problem-count"), problems ? number(problems) : "");
}
