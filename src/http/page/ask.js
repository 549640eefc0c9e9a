// The answer that a name gives now, and why.

import { get } from "./api.js";
import { copyButton, digLine } from "./copy.js";
import { fill, lineEnd, make } from "./dom.js";
import { keyNode, recordNode, toName } from "./links.js";

const TYPES = ["SRV", "A", "AAAA", "TXT", "PTR", "SOA", "NS", "CNAME", "MX", "ANY"];

/// The view: a question, and its explanation.
export function ask() {
  const name = make("input", { type: "text", id: "name", name: "name", required: true, placeholder: "_my-service._tcp", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const type = make("select", { id: "type", name: "type" }, TYPES.map((type) => make("option", {}, type)));
  const result = make("div", { "aria-live": "polite" });
  const form = make("form", { class: "row", onsubmit: go },
    make("div", { class: "grow" }, make("label", { for: "name" }, "Name"), name),
    make("div", { class: "short" }, make("label", { for: "type" }, "Type"), type),
    make("button", { type: "submit" }, "Ask"));
  const node = make("section", { class: "panel", "aria-label": "Ask a name" }, form, result);
  let asked = null;

  function go(event) {
    event.preventDefault();
    const place = `#/ask/${encodeURIComponent(name.value.trim())}/${type.value}`;
    if (location.hash === place) refresh();
    else location.hash = place;
  }

  async function refresh() {
    if (!asked) return;
    const found = await get("/v1/explain", asked).catch((fault) => ({ fault }));
    if (found.fault && !found.fault.status && result.hasChildNodes()) return;
    fill(result, answer(found), found.fault ? null : reasons(found));
  }

  return {
    node,
    refresh,
    enter([wanted, kind]) {
      asked = wanted ? { name: wanted, type: kind } : null;
      name.value = wanted ?? name.value;
      type.value = TYPES.includes(kind) ? kind : wanted?.startsWith("_") === false ? "A" : type.value;
      if (!asked) name.focus();
      refresh();
    },
  };
}

/// The question, its code and its records.
export function answer({ fault, name, type, rcode, answers, additional, more }) {
  if (fault) return make("p", { class: "empty" }, fault.message);
  const good = rcode === "NOERROR" && answers.length > 0;
  const word = rcode === "NOERROR" && !good ? "NODATA" : rcode;
  // Their order is drawn anew for each query; here the same stays the same.
  const lines = (title, records) => (records.length ? [`;; ${title}`, ...records.toSorted().map(recordNode)] : []);
  const text = [...lines("answer", answers), ...lines("additional", additional), ...(more ? [`;; and ${more} more`] : [])];
  return make("div", { class: "answer" },
    make("p", {}, make("code", {}, make("a", { href: toName(name, type) }, `${name} ${type}`)), " ", make("span", { class: `tag ${good ? "good" : "warn"}` }, word), " ", copyButton("copy dig", digLine(name, type), "the command that asks this server")),
    good ? make("pre", {}, text.map((line) => make("span", { class: "line" }, line, lineEnd()))) : null);
}

/// The rule that made it, why there is nothing, and the documents behind it.
function reasons({ rule, why, notes, documents, more_documents, zone, leaves }) {
  const item = ({ key }) => make("li", {}, keyNode(zone, key));
  return [
    make("h2", { class: "small" }, "Why"),
    why ? make("p", {}, why) : null,
    make("p", {}, `Rule: ${rule}`),
    leaves ? make("p", {}, `It leads to ${leaves}, which is in no zone of this server.`) : null,
    notes.map((note) => make("p", {}, `Note: ${note}`)),
    make("p", { class: "faint" }, zone ? ["Zone ", make("a", { href: `#/zones/${encodeURIComponent(zone)}` }, zone)] : "No zone of this server"),
    documents.length ? [make("h2", { class: "small" }, "Made of these keys"), make("ul", {}, documents.map(item), more_documents ? make("li", {}, `and ${more_documents} more`) : null)] : null,
  ];
}
