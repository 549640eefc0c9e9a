// How the server and its zones stand, from what `/v1/status` says, and what is said above all else.

import { at, fill, lineEnd, make, say, span } from "./dom.js";

const STANDINGS = {
  fresh: ["good", "fresh"],
  holding: ["bad", "holding removals"],
  stale: ["warn", "stale"],
  expired: ["bad", "expired"],
  starting: ["warn", "starting"],
  "not-ready": ["bad", "not ready"],
};
/// Zones that nothing is known of.
const UNKNOWN = ["not-ready", "starting"];

/// How a zone stands, in a word: what is fresh may still hold what the registry has no more.
const wordOf = ({ standing, held_until: holds }) => (standing === "fresh" && holds ? "holding" : standing);

/// The class and the word for how a zone stands.
export const standingWord = (zone) => STANDINGS[wordOf(zone)] ?? ["warn", zone.standing];

/// What is not as it should be: a class and a sentence each. The one place that knows how
/// `/v1/status` tells it.
export const alarms = ({ findings }) => findings.map(({ severity, zone, text }) => [severity === "error" ? "bad" : "warn", zone ? `${zone}: ${text}` : text]);

/// Draws the banner: as long as something is not as it should be.
export function banner(node, found) {
  const lines = found.map(([, text]) => make("span", { class: "line" }, text, lineEnd()));
  node.className = `notice ${found.some(([kind]) => kind === "bad") ? "bad" : "warn"}${lines.length ? "" : " hidden"}`;
  fill(node, lines);
}

/// Says how the worst zone stands, in a word, and which one that is.
export function standing(node, status, fault) {
  const order = Object.keys(STANDINGS);
  const worst = (one, other) => (order.indexOf(wordOf(other)) > order.indexOf(wordOf(one)) ? other : one);
  const zone = status?.zones.length ? status.zones.reduce(worst) : null;
  const [kind, word] = fault ? ["bad", "no connection to srvd"] : zone ? standingWord(zone) : ["good", "fresh"];
  const age = zone?.standing === "stale" || zone?.standing === "expired" ? `, confirmed ${span(zone.age)} ago` : "";
  const which = status?.zones.length > 1 && kind !== "good" ? `: ${zone.zone}` : "";
  const text = status?.draining ? "draining" : `${word}${fault ? "" : which}${age}`;
  node.className = `pill ${status?.draining ? "bad" : kind}`;
  say(node, text);
}

/// What is not known, so that nobody is told that nothing is wrong; none where all is.
export function doubt(status) {
  if (!status) return "This server has not said yet how it stands.";
  const of = (words) => status.zones.filter(({ standing }) => words.includes(standing)).map(({ zone }) => zone);
  const [unknown, old] = [of(UNKNOWN), of(["stale", "expired"])];
  if (unknown.length) return `Nothing is known yet of ${unknown.join(", ")}: the registry has not been listed.`;
  if (old.length) return `No problem was known when the registry was last heard. What it has now is not known: ${old.join(", ")} is not confirmed.`;
  return null;
}

/// Which server this is, and what each zone is at.
export function about(node, { version, uptime, zones }) {
  const zone = ({ zone: name, revision }) => `${name}${revision ? ` at revision ${revision}` : ""}`;
  const some = zones.slice(0, 4).map(zone);
  say(node, `srvd ${version}, up ${span(uptime)}; ${some.join(", ")}${zones.length > some.length ? ` and ${zones.length - some.length} zones more` : ""}`);
}

/// Which server this is, in the head and the title.
export function named(server, view) {
  say(at("server"), server?.name ?? "");
  return [view, server?.name, "srvd"].filter(Boolean).join(" – ");
}
