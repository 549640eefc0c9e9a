// Zones, where their names come from and what they hold; and this server.

import { get, seldom } from "./api.js";
import { copiedKey, copyButton, digLine } from "./copy.js";
import { clock, cut, fill, labelled, make, number, octets, rate, span, table } from "./dom.js";
import { known, learn, sourceOf, standingOf } from "./known.js";
import { toName, toProblems, toSearch, toZone } from "./links.js";
import { pages } from "./pages.js";
import { haveLooked, problemsAt } from "./problems.js";
import { standingWord } from "./state.js";

/// Entries or records that are shown at once.
const PAGE = 100;
/// Zones that are shown in the table.
const SHOWN = 500;
/// What is spoken on an address.
const SPOKEN = new Map([["dns", "DNS, UDP and TCP"], ["http", "HTTP"], ["https", "HTTPS"], ["etcd-v2", "etcd’s v2 API"]]);
const ZONES = [["Zone", "wide"], ["Schema", "brief"], ["State", "brief"], ["Revision", "number"], ["Serial", "number"], ["Holds"], ["Problems", "number"], ["Snapshot"]];
const ENTRIES = [["Name"], ["Key"], ["Host"], ["Port", "number"], ["Priority", "number"], ["Weight", "number"], ["TTL", "number"], ["Details"]];
const RECORDS = [["Name"], ["TTL", "number"], ["Type", "brief"], ["Data", "wide"]];

/// The view: this server and all zones, or one zone.
export function zones() {
  const node = make("div", {});
  const browser = records();
  const head = make("section", { class: "panel", "aria-label": "Zone" });
  let chosen = null;

  async function refresh() {
    await learn();
    if (!chosen) return fill(node, server(), overview());
    fill(head, one(chosen.zone));
    if (!node.contains(head)) fill(node, head, browser.node);
    await browser.refresh();
  }

  return {
    node,
    refresh,
    enter([zone, list, search]) {
      chosen = zone ? { zone } : null;
      fill(node);
      if (zone) browser.choose(zone, list, search);
      refresh();
    },
  };
}

/// A term and what is to be said of it.
const fact = (term, ...said) => (said.flat().some((it) => it !== null && it !== undefined && it !== "") ? [make("dt", {}, term), make("dd", {}, ...said)] : null);

/// This server.
function server() {
  const { server, status } = known;
  if (!server) return make("section", { class: "panel" }, make("p", { class: "empty" }, "srvd has not said yet which server this is."));
  const { name, version, listeners, configuration } = server;
  const [upstreams, certificates] = [status?.upstreams ?? [], status?.certificates ?? []];
  const listener = ({ protocol, address }) => make("li", {}, make("code", {}, address), ` ${SPOKEN.get(protocol) ?? protocol}`);
  const { file, read, reload } = configuration;
  const last = reload && [clock(reload.at), ` (${reload.cause}) `, reload.fault ? make("span", { class: "tag bad" }, "refused") : make("span", { class: "tag good" }, "used"), reload.fault ? make("p", {}, reload.fault) : null];
  return make("section", { class: "panel", "aria-label": "Server" },
    make("h2", {}, name),
    make("dl", { class: "facts" },
      fact("Release", `srvd ${version}`, status ? `, up ${span(status.uptime)}` : null),
      fact("Answers on", make("ul", { class: "plain" }, listeners.map(listener))),
      fact("Asks others", upstreams.length ? make("ul", { class: "plain" }, upstreams.map(upstream)) : "nobody"),
      fact("Certificates", certificates.length ? make("ul", { class: "plain" }, certificates.map(certificate)) : null),
      fact("Configuration", file ? make("code", {}, file) : "options and variables alone", ", read ", clock(read)),
      fact("Last reload", last ?? "none since the start"),
      fact("Followers", status ? number(status.followers) : null)));
}

/// A server that is asked for others' names, and whether it answers.
function upstream({ zone, address, answering, failing, looping, edns, answers, seconds, fault }) {
  const [kind, word] = looping ? ["bad", "not asked: it asks this server"] : !answering ? ["bad", "does not answer"] : failing ? ["warn", "failed lately"] : ["good", "in use"];
  const tag = (words) => make("span", { class: "tag" }, words);
  return make("li", {}, make("code", {}, address), " ", make("span", { class: `tag ${kind}` }, word), zone === "." ? null : tag(`for ${zone}`), edns ? null : tag("without EDNS"), answers ? tag(`${number(answers)} answers, ${rate(seconds * 1000)} ms each`) : null, fault ? make("p", {}, fault) : null);
}

/// A certificate that is shown to others, and its end.
const certificate = ({ option, expires, ending }) => make("li", {}, make("code", {}, option), " until ", clock(expires), " ", ending ? make("span", { class: "tag bad" }, "renew it") : null);

/// All zones.
function overview() {
  const all = known.zones;
  if (!all) return make("section", { class: "panel" }, make("p", { class: "empty" }, "srvd has not said yet which zones it has."));
  return make("section", { class: "panel", "aria-label": "Zones" },
    make("h2", {}, `Zones (${number(all.length)})`),
    all.length ? table(ZONES, all.slice(0, SHOWN).map(row)) : make("p", { class: "empty" }, "This server has no zone."),
    all.length > SHOWN ? make("p", { class: "faint" }, `and ${number(all.length - SHOWN)} more, at /v1/zones`) : null);
}

/// How a zone stands, as a tag.
function state(zone) {
  const status = standingOf(zone);
  if (!status) return "";
  const [kind, word] = standingWord(status);
  return make("span", { class: `tag ${kind}`, title: status.condition }, word);
}

/// What a zone holds, in words.
function holds(source) {
  const status = standingOf(source.zone);
  const count = (number_, word, words) => (number_ ? `${number(number_)} ${number_ === 1 ? word : words}` : null);
  const parts = [
    count(status?.services, "service", "services"), count(status?.instances, "instance", "instances"),
    count(status?.aliases, "alias", "aliases"), count(status?.entries, "entry", "entries"), count(source.records, "RRset", "RRsets"),
  ];
  return parts.filter(Boolean).join(", ") || "nothing";
}

/// What is known of a zone's snapshot.
function snapshot(of) {
  if (!of) return "";
  if (!of.confirmed) return of.failures ? make("span", { class: "tag bad" }, `${number(of.failures)} failed`) : "none";
  return [clock(of.confirmed), ` ${octets(of.octets)}`, of.restored ? make("span", { class: "tag warn" }, "began with it") : null, of.failures ? make("span", { class: "tag bad" }, `${number(of.failures)} failed`) : null];
}

/// How many problems a zone has, of those that are shown.
function wrong({ zone }) {
  if (!haveLooked() || !standingOf(zone)?.revision && sourceOf(zone)?.schema !== "static") return "not known";
  const count = problemsAt((it) => it.zone === zone).length;
  return count ? make("a", { href: toProblems(zone) }, number(count)) : "0";
}

/// A zone as a line of the table.
function row(source) {
  const { zone, schema, reverse, serial, snapshot: kept } = source;
  const status = standingOf(zone);
  return [
    make("a", { href: toZone(zone) }, zone),
    [schema, reverse ? ", reverse" : ""],
    state(zone),
    status?.revision ? String(status.revision) : "",
    String(serial),
    holds(source),
    wrong(source),
    snapshot(kept),
  ];
}

/// One zone.
function one(zone) {
  const [source, status] = [sourceOf(zone), standingOf(zone)];
  const back = make("p", {}, make("a", { href: "#/zones" }, "All zones and this server"));
  if (!source) return [back, make("h2", {}, zone), make("p", { class: "empty" }, known.zones ? "This server has no such zone." : "srvd has not said yet which zones it has.")];
  const { schema, reverse, prefix, template, newest_revision: newest, ttl } = source;
  const behind = newest && status?.revision < newest ? ` (the registry has ${newest})` : "";
  return [
    back,
    make("h2", {}, zone, " ", state(zone)),
    status ? make("p", {}, status.condition) : null,
    make("dl", { class: "facts" },
      fact("Schema", schema, reverse ? ", and the addresses of other zones’ registrations (reverse)" : ""),
      fact("Keys begin with", prefix === null ? null : [make("code", {}, prefix || "nothing: all keys are read"), " ", prefix ? copyButton("copy key", copiedKey(prefix), "the prefix") : null]),
      fact("Template", template ? make("code", {}, template) : null),
      fact("Endpoint", status?.endpoint ? make("code", {}, status.endpoint) : null),
      fact("Being listed", status?.listing ? `${number(status.listing.keys)}${status.listing.of ? ` of ${number(status.listing.of)}` : ""} keys` : null),
      fact("Revision", status?.revision ? `${status.revision}${behind}` : null),
      fact("Confirmed", typeof status?.age === "number" ? `${status.age < 1 ? "less than 1 s" : status.age < 60 ? `${Math.floor(status.age)} s` : span(status.age)} ago` : null),
      fact("Serial", String(source.serial), " ", copyButton("copy dig", digLine(`${zone}.`, "SOA"), "the command that asks for it"), " ", make("a", { href: toName(`${zone}.`, "SOA") }, "SOA")),
      fact("TTL of registrations", schema === "static" ? null : `${ttl} s, where their documents say none`),
      fact("Holds", holds(source), schema === "services" ? [" ", make("a", { href: toSearch(`zone:${zone}`) }, "services")] : null),
      fact("Removals held", status?.held ? make("span", { class: "tag bad" }, `${number(status.held)} of ${number(status.held_of ?? 0)}`, status.held_until ? [" until ", clock(status.held_until)] : null) : null),
      fact("Problems", wrong(source)),
      fact("Snapshot", snapshot(source.snapshot))),
  ];
}

/// What is in a zone, page by page: its SkyDNS entries, or the records of its file.
function records() {
  const search = make("input", { type: "search", id: "record-search", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "part of a name, key, type or data" });
  const tabs = make("p", { class: "tabs" });
  const body = make("div", {});
  const paging = pages(PAGE, refresh);
  const node = make("section", { class: "panel", "aria-label": "Entries and records" }, tabs, labelled("Search", search, ""), body, paging.node);
  let [zone, list] = [null, null];

  async function refresh() {
    const source = sourceOf(zone);
    node.classList.toggle("hidden", !source);
    if (!source) return;
    const lists = source.schema === "skydns" ? ["entries", "records"] : ["records"];
    const shown = lists.includes(list) ? list : lists[0];
    const tab = (name) => make("a", { href: toZone(zone, name), "aria-current": name === shown ? "true" : null }, { entries: "Entries of the registry", records: "Records of the zone file" }[name]);
    fill(tabs, lists.map((name) => [tab(name), " "]));
    const asked = `${zone} ${shown} ${search.value}`;
    const path = `/v1/zones/${encodeURIComponent(zone)}/${shown}`;
    const found = await get(path, { q: search.value.trim(), ...paging.wanted() }).catch((fault) => ({ fault }));
    if (asked !== `${zone} ${shown} ${search.value}`) return;
    if (found.fault) return paging.say(found.fault.status ? found.fault.message : "srvd does not answer; trying again");
    const all = found[shown];
    fill(body, all.length ? table(shown === "entries" ? ENTRIES : RECORDS, all.map((it) => (shown === "entries" ? entryRow(it) : recordRow(it)))) : null);
    paging.show(all.length, found.next, found.total, all.length ? undefined : search.value ? "Nothing is found by that." : "There is nothing.");
  }

  function anew() {
    paging.reset();
    return refresh();
  }

  search.addEventListener("input", seldom(anew, 150));
  return {
    node,
    refresh,
    choose(other, part, text) {
      [zone, list] = [other, part];
      search.value = text ?? "";
      paging.reset();
    },
  };
}

/// An entry as a line of the table.
function entryRow({ name, key, leased, host, port, priority, weight, ttl, text, mail, group }) {
  const tag = (words, title) => make("span", { class: "tag", title }, cut(words, 60));
  return [
    make("a", { href: toName(name, port ? "SRV" : "A") }, cut(name, 80)),
    [make("code", {}, cut(key, 80)), " ", copyButton("copy key", copiedKey(key), "the key")],
    make("code", {}, cut(host ?? "", 80)),
    port ? String(port) : "",
    String(priority),
    String(weight),
    String(ttl),
    [leased ? tag("leased", "its key has a lease") : tag("until deleted", "its key has no lease"), mail ? tag("mail") : null, group ? tag(`group ${group}`) : null, text ? tag(text) : null],
  ];
}

/// Records as a line of the table.
function recordRow({ name, type, ttl, data, more }) {
  const lines = [...data, ...(more ? [`and ${more} more`] : [])];
  return [
    make("a", { href: toName(name, type) }, cut(name, 80)),
    String(ttl),
    type,
    lines.map((line) => make("div", {}, make("code", {}, cut(line, 160)))),
  ];
}
