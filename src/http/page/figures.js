// The head of the page: is it fresh, how much is asked, how much changes.

import { at, fill, make, number, rate, say, span, spark } from "./dom.js";

const STANDINGS = {
  fresh: ["good", "fresh"],
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

/// Says how the worst zone stands, in a word, and which one that is.
export function standing(node, status, fault) {
  const order = Object.keys(STANDINGS);
  const worst = (one, other) => (order.indexOf(other.standing) > order.indexOf(one.standing) ? other : one);
  const zone = status?.zones.length ? status.zones.reduce(worst) : null;
  const [kind, word] = fault ? ["bad", "no connection to srvd"] : (STANDINGS[zone?.standing] ?? ["good", "fresh"]);
  const age = zone?.standing === "stale" || zone?.standing === "expired" ? `, confirmed ${span(zone.age)} ago` : "";
  const which = status?.zones.length > 1 && kind !== "good" ? `: ${zone.zone}` : "";
  const text = status?.draining ? "draining" : `${word}${fault ? "" : which}${age}`;
  node.className = `pill ${kind}`;
  say(node, text);
}

/// Says that the configuration on disk is not the one in use, as long as it is so.
export function notice(node, { reload }) {
  const text = reload?.fault ? `The configuration was read again (${reload.cause}), and nothing of it is used: ${reload.fault}` : "";
  node.classList.toggle("hidden", !text);
  say(node, text);
}

/// Which server this is, and what each zone is at.
export function about(node, { version, uptime, zones }) {
  const zone = ({ zone: name, revision }) => `${name}${revision ? ` at revision ${revision}` : ""}`;
  say(node, `srvd ${version}, up ${span(uptime)}; ${zones.map(zone).join(", ")}`);
}
