// One service: its instances, what DNS answers for it, and what is wrong.

import { get } from "./api.js";
import { answer } from "./ask.js";
import { copiedKey, copyButton, leaveLine } from "./copy.js";
import { cut, fill, lines, make, number, span, table } from "./dom.js";
import { keyNode, placeOf, toEvents, toProblems, toSearch, toService, toZone } from "./links.js";
import { pages } from "./pages.js";
import { problemsAt } from "./problems.js";

/// Instances that are shown at once.
const PAGE = 100;
const COLUMNS = [["ID", "wide"], ["Location", "wide"], ["Port name", "brief"], ["Since", "brief"], ["Stays", "brief"], ["Priority", "number"], ["Weight", "number"], ["Details"], ["More"]];

/// The panel.
export function servicePanel() {
  const head = make("div", {});
  const list = make("div", {});
  const tail = make("div", {});
  const paging = pages(PAGE, refresh);
  const node = make("section", { class: "panel", "aria-label": "Service" }, head, list, paging.node, tail);
  /// Instances whose documents are shown.
  const opened = new Set();
  let chosen = null;
  let shows = null;

  function toggle(mark) {
    if (!opened.delete(mark)) opened.add(mark);
    refresh();
  }

  function nothing(text) {
    fill(head, chosen ? [back(), make("h2", {}, chosen.name)] : null, make("p", { class: "empty" }, text));
    fill(list);
    fill(tail, chosen ? problemsOf(chosen.zone, chosen.name) : null);
    paging.node.classList.add("hidden");
  }

  async function refresh() {
    const asked = chosen;
    if (!asked) return nothing("Choose a service to see its instances and what DNS answers for it.");
    const { zone, name, own } = asked;
    const found = await get(`/v1/services/${encodeURIComponent(name)}`, { zone, own: own || undefined, ...paging.wanted() }).catch((fault) => ({ fault }));
    const answers = found.fault || own ? [] : await answersOf(zone, found.name);
    if (asked !== chosen) return;
    const place = toService(zone, name, own);
    // What was shown is still the last that is known.
    if (found.fault && !found.fault.status && shows === place) return;
    shows = place;
    if (found.fault) return nothing(found.fault.status ? found.fault.message : "srvd does not answer; trying again");
    const { instances, total, next } = found;
    fill(head, back(), heading(zone, own, found));
    fill(list, instances.length ? table(COLUMNS, instances.map((it) => row(it, opened, toggle))) : null);
    paging.node.classList.toggle("hidden", total <= PAGE);
    paging.show(instances.length, next, total);
    fill(tail, problemsOf(zone, found.name), answers.length ? make("h3", {}, "What DNS answers now") : null, answers);
  }

  return {
    node,
    refresh,
    choose(other) {
      if (other?.zone !== chosen?.zone || other?.name !== chosen?.name || other?.own !== chosen?.own) {
        paging.reset();
        opened.clear();
      }
      chosen = other;
    },
  };
}

/// The way back to the list, where there is no room for both.
const back = () => make("p", { class: "narrow-only" }, make("a", { href: "#/services" }, "All services"));

/// What is said of a service before its instances.
function heading(zone, own, { name, total, aliases, hidden, nobody }) {
  const count = `${number(total)} ${total === 1 ? "instance" : "instances"} in `;
  const other = own ? make("p", { class: "note warn" }, "This is the service itself, which is not answered at its name. ", make("a", { href: toService(zone, name) }, "What is answered there")) : null;
  const behind = hidden && !own ? make("p", { class: "note warn" }, `${hiddenWords(hidden)} `, hidden.by === "zone-file" ? make("a", { href: toZone(zone, "records", name) }, "Records") : make("a", { href: toService(zone, name, true) }, "Show it")) : null;
  return [
    make("h2", {}, name),
    make("p", { class: "faint" }, count, make("a", { href: toZone(zone) }, zone), " · ", make("a", { href: toEvents(name) }, "events")),
    own ? other : aliases.map((alias) => make("p", {}, `${alias.name} is `, meaning(alias, true), " ", copyButton("copy key", copiedKey(alias.key), "the key"))),
    behind,
    nobody && !own ? make("p", { class: "note warn" }, `It leads to nobody: ${nobody}.`) : null,
  ];
}

/// What hides a service, in words.
export function hiddenWords({ by, instances }) {
  const count = `${number(instances)} ${instances === 1 ? "instance" : "instances"}`;
  if (by === "zone-file") return `The zone file has this name: a service with ${count} is registered and not answered here.`;
  if (by === "zone") return `An SOA or NS record names it: what is registered there, with ${count}, is not answered.`;
  return `The ${by.toLowerCase()} hides a service of the same name, which has ${count}.`;
}

/// What a frontend or backend stands for.
export function meaning({ zone, resource, app, version, backend }, isLinked) {
  const link = (name) => (isLinked ? make("a", { href: toService(zone, name) }, name) : name);
  if (resource === "Backend") return ["the backend of ", link(app), version ? ` ${version}` : ""];
  return ["the frontend of ", backend ? link(backend) : "no backend yet"];
}

/// What DNS says of a service now.
async function answersOf(zone, name) {
  const names = [[`_${name}._tcp.${zone}.`, "SRV"], [`${name}.${zone}.`, "A"]];
  const explained = names.map(([name, type]) => get("/v1/explain", { name, type }).catch((fault) => ({ fault, name, type })));
  return (await Promise.all(explained)).map((found) => answer(found));
}

/// Problems of keys that are those of a service.
function problemsOf(zone, name) {
  const place = toService(zone, name);
  const found = problemsAt((it) => it.zone === zone && placeOf(zone, it.key) === place);
  const line = ({ key, problem, remedy }) => make("li", {}, make("a", { href: toProblems(key) }, make("code", {}, key)), " ", problem, " ", make("span", { class: "faint" }, remedy));
  return found.length ? [make("h3", {}, "Problems"), make("ul", { class: "plain" }, found.slice(0, 20).map(line)), found.length > 20 ? make("p", {}, `and ${number(found.length - 20)} more`) : null] : null;
}

/// An instance as a line of the table; with its document below, where that is `opened`.
function row(instance, opened, toggle) {
  const { key, id, host, proto, priority, weight, protocol } = instance;
  const wrong = problemsAt((it) => it.key === key).length;
  const mark = `${key} ${id}`;
  const isOpen = opened.has(mark);
  const more = make("button", { type: "button", class: "quiet copy", "data-id": `more ${mark}`, "aria-expanded": String(isOpen), "aria-label": `Document and commands of ${id}`, onclick: () => toggle(mark) }, isOpen ? "−" : "…");
  const cells = [
    [make("code", { title: key }, cut(id, 64)), wrong ? make("a", { href: toProblems(key), class: "tag bad" }, `${wrong} ${wrong === 1 ? "problem" : "problems"}`) : null],
    make("code", {}, cut(host, 64), proto === "udp" ? " udp" : ""),
    protocol ? make("code", {}, protocol) : "",
    age(instance),
    stays(instance),
    String(priority),
    String(weight),
    details(instance),
    more,
  ];
  return Object.assign(cells, { below: isOpen ? whole(instance) : null });
}

/// How long an instance will be there.
function stays({ leased }) {
  return leased ? make("span", { title: "Its key has a lease: it goes when that is not renewed" }, "with its lease") : make("span", { title: "Its key has no lease" }, "until deleted");
}

/// Version, tags, pairs and text of an instance.
function details({ version, tags, meta, text, endpoints, ttl }) {
  const found = (field, value, words) => (/^\S+$/.test(value) ? make("a", { class: "tag", href: toSearch(`${field}:${value}`) }, cut(words, 60)) : make("span", { class: "tag" }, cut(words, 60)));
  const plain = (words) => make("span", { class: "tag" }, cut(words, 60));
  return [
    version ? found("version", version, `version ${version}`) : null,
    (tags ?? []).map((tag) => (tag.length > 60 ? plain(tag) : found("tag", tag, tag))),
    Object.entries(meta ?? {}).map(([name, value]) => plain(`${name}=${value}`)),
    text ? plain(text) : null,
    ttl === undefined ? null : plain(`TTL ${ttl} s`),
    (endpoints ?? []).slice(1).map(plain),
  ];
}

/// The whole of an instance as JSON, and what can be done with it.
function whole(instance) {
  const { key, zone } = instance;
  const leave = leaveLine(instance);
  const text = JSON.stringify(instance, null, 2);
  return make("div", { class: "whole" },
    make("p", { class: "buttons" }, keyNode(zone, key), copyButton("copy key", copiedKey(key), "the key"), leave ? copyButton("copy srvd leave", leave, "the command that removes it") : null, copyButton("copy document", text, "the document")),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Document of ${instance.id}` }, lines(text)));
}

/// How long an instance has been there, or at least.
function age({ since, since_before }) {
  const exact = since ?? since_before;
  if (!exact) return "";
  const seconds = (Date.now() - Date.parse(exact)) / 1000;
  return make("time", { datetime: exact, title: exact }, `${since || seconds < 60 ? "" : "over "}${span(seconds)}`);
}
