// Places of this page: services, names, keys, problems and zones lead to each other.

import { make, shown } from "./dom.js";
import { sourceOf } from "./known.js";

const part = encodeURIComponent;
/// Segments of keys that stand for aliases.
const ALIASES = ["_frontends", "_backends"];
/// Types whose data end with a name.
const LEADING = ["SRV", "PTR", "CNAME", "NS", "MX", "DNAME"];

export const toService = (zone, name, own) => `#/services/${part(zone)}/${part(name)}${own ? "/own" : ""}`;
export const toSearch = (text) => `#/search/${part(text)}`;
export const toName = (name, type) => `#/ask/${part(name)}/${part(type)}`;
export const toProblems = (text) => `#/problems/${part(text)}`;
export const toEvents = (name) => `#/events/${part(name)}`;
export const toZone = (zone, list, search) => `#/zones/${part(zone)}${list ? `/${list}` : ""}${search ? `/${part(search)}` : ""}`;

/// Where what stands at a key is shown; null where that is not known.
export function placeOf(zone, key) {
  const source = sourceOf(zone);
  if (!source || source.prefix === null || source.template || key !== shown(key) || key.includes("…")) return null;
  const rest = key.startsWith(source.prefix) ? key.slice(source.prefix.length) : null;
  if (rest === null || rest === "") return null;
  if (source.schema === "skydns") return toZone(zone, "entries", key);
  const [name, id] = rest.split("/").filter(Boolean);
  return name && toService(zone, ALIASES.includes(name) && id ? id : name);
}

/// A key, which leads to what stands there.
export function keyNode(zone, key) {
  const place = placeOf(zone, key);
  const text = make("code", {}, key);
  return place ? make("a", { href: place }, text) : text;
}

/// A record as zone files write it, whose names lead to their answers.
export function recordNode(line) {
  const words = line.split(" ");
  const [owner, , , type] = words;
  const target = LEADING.includes(type) ? words.at(-1) : null;
  const link = (name, type) => make("a", { href: toName(name, type) }, name);
  if (!owner?.endsWith(".") || !type) return line;
  const middle = words.slice(1, target ? -1 : undefined).join(" ");
  return target?.endsWith(".") ? [link(owner, type), ` ${middle} `, link(target, type === "PTR" ? "SRV" : "A")] : [link(owner, type), ` ${words.slice(1).join(" ")}`];
}
