// The head of the page: is it fresh, how much is asked, how much changes.

import { at, fill, lineEnd, make, number, rate, say, span, spark } from "./dom.js";

const STANDINGS = {
  fresh: ["good", "fresh"],
  holding: ["warn", "holding removals"],
  stale: ["warn", "stale"],
  expired: ["bad", "expired"],
  "not-ready": ["bad", "not ready"],
};

/// One figure, and what it is.
function figure(label, value, drawing) {
  const kind = drawing ? "figure wide" : "figure";
  return make("div", { class: kind }, drawing, make("span", { class: "label" }, label), make("span", { class: "value" }, value));
}

/// A rate of the moment with its line over the last minutes.
function line(label, counts, seconds, kind) {
  const values = counts.map((count) => count / seconds);
  const now = values.at(-1) ?? 0;
  const minutes = Math.max(1, Math.round((values.length * seconds) / 60));
  const words = `${label}: ${rate(now)} now, at most ${rate(Math.max(0, ...values))} in the last ${minutes} min`;
  return figure(label, rate(now), spark(values, words, kind));
}

const sum = (zones, member) => zones.reduce((total, zone) => total + (zone[member] ?? 0), 0);

/// Draws the figures.
export function figures(node, { zones, lately }) {
  say(at("service-count"), number(sum(zones, "services")));
  const held = sum(zones, "held");
  fill(node,
    line("Queries a second", lately.queries, lately.seconds, ""),
    line("Changes a second", lately.changes, lately.seconds, "second"),
    figure("Services", number(sum(zones, "services"))),
    figure("Instances", number(sum(zones, "instances"))),
    held ? figure("Removals held", number(held)) : null,
  );
}

/// Says how many problems there are, if any.
export function problemCount(problems) {
  say(at("problem-count"), problems ? number(problems) : "");
}

/// How a zone stands, in a word: what is fresh may still hold what the registry has no more.
const wordOf = ({ standing, held_until: holds }) => (standing === "fresh" && holds ? "holding" : standing);

/// Says how the worst zone stands, in a word, and which one that is.
export function standing(node, status, fault) {
  const order = Object.keys(STANDINGS);
  const worst = (one, other) => (order.indexOf(wordOf(other)) > order.indexOf(wordOf(one)) ? other : one);
  const zone = status?.zones.length ? status.zones.reduce(worst) : null;
  const [kind, word] = fault ? ["bad", "no connection to srvd"] : (STANDINGS[zone && wordOf(zone)] ?? ["good", "fresh"]);
  const age = zone?.standing === "stale" || zone?.standing === "expired" ? `, confirmed ${span(zone.age)} ago` : "";
  const which = status?.zones.length > 1 && kind !== "good" ? `: ${zone.zone}` : "";
  const text = status?.draining ? "draining" : `${word}${fault ? "" : which}${age}`;
  node.className = `pill ${kind}`;
  say(node, text);
}

/// Says that the configuration on disk is not the one in use, and which zones are not as they
/// should be, as long as it is so.
export function notice(node, { reload, zones }) {
  const unused = reload?.fault ? [`The configuration was read again (${reload.cause}), and nothing of it is used: ${reload.fault}`] : [];
  const others = zones.filter((zone) => wordOf(zone) !== "fresh").map(({ zone, condition }) => `${zone}: ${condition}`);
  const lines = [...unused, ...others].map((line) => make("span", { class: "line" }, line, lineEnd()));
  const isBad = unused.length || zones.some(({ standing }) => standing === "not-ready" || standing === "expired");
  node.className = `notice ${isBad ? "bad" : "warn"}${lines.length ? "" : " hidden"}`;
  fill(node, lines);
}

/// Zones of which nothing is known yet.
export const unknown = ({ zones }) => zones.filter(({ standing }) => standing === "not-ready").map(({ zone }) => zone);

/// Which server this is, and what each zone is at.
export function about(node, { version, uptime, zones }) {
  const zone = ({ zone: name, revision }) => `${name}${revision ? ` at revision ${revision}` : ""}`;
  say(node, `srvd ${version}, up ${span(uptime)}; ${zones.map(zone).join(", ")}`);
}
