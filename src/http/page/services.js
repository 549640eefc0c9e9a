// Services: a list that is searched and sorted, and the panel of one beside it.

import { get, seldom } from "./api.js";
import { choice, fill, labelled, make, number, span } from "./dom.js";
import { known, zonesOf } from "./known.js";
import { toSearch, toService } from "./links.js";
import { pages } from "./pages.js";
import { hiddenWords, servicePanel } from "./service.js";

/// Services that are shown at once.
const PAGE = 200;
const SORTS = [["name", "Name"], ["instances", "Most instances"], ["newest", "Newest"]];
/// What may stand before a colon in a search.
const FIELDS = ["tag", "version", "address", "zone"];
/// What is searched for, and in which order: they outlast the view.
const wanted = { text: "", sort: "name" };

/// The view: a list with a search, and a panel beside it.
export function services() {
  const search = make("input", { type: "search", id: "search", value: wanted.text, placeholder: "name, address, tag:, version:, zone:", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const sort = choice({ id: "sort" }, SORTS, wanted.sort);
  const list = make("ul", { class: "list", "aria-label": "Services" });
  const paging = pages(PAGE, refreshList);
  const panel = servicePanel();
  const controls = make("div", { class: "row" }, labelled("Search services", search, "grow"), labelled("Sort by", sort, "inline"));
  const node = make("div", { class: "split" }, make("div", {}, controls, list, paging.node), panel.node);
  let chosen = null;

  async function refreshList() {
    const text = search.value.trim();
    try {
      const found = await get("/v1/services", { ...asked(text), sort: sort.value, ...paging.wanted() });
      if (text !== search.value.trim()) return;
      const { services: shown, next, total, zones } = found;
      fill(list, shown.length ? shown.map((service) => entry(service, chosen, zones.length > 1)) : suggestion(text));
      paging.show(shown.length, next, total, words(shown.length, text, paging.isFirst(), zones));
    } catch (fault) {
      paging.say(fault.status ? fault.message : "srvd does not answer; trying again");
    }
  }

  function anew() {
    Object.assign(wanted, { text: search.value, sort: sort.value });
    paging.reset();
    return refreshList();
  }

  const refresh = async () => Promise.all([refreshList(), panel.refresh()]);
  search.addEventListener("input", seldom(anew, 150));
  sort.addEventListener("change", anew);
  return {
    node,
    refresh,
    enter([zone, name, own, text]) {
      chosen = name ? { zone, name, own: own === "own" } : null;
      node.classList.toggle("chosen", Boolean(chosen));
      if (text !== undefined && text !== search.value) {
        search.value = text;
        anew();
      }
      panel.choose(chosen);
      refresh();
    },
  };
}

/// What a text asks for: `tag:blue version:1.4 address:10.0.0.1 zone:z`, and words of the name. A
/// word that is an address is one.
export function asked(text) {
  const parameters = {};
  const words = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [, field, value] = /^(\w+):(.+)$/.exec(word) ?? [];
    if (FIELDS.includes(field)) parameters[field] = value;
    else if (/^\d+\.\d+\.\d+\.\d+$/.test(word) || /^\[?[0-9a-f]*:[0-9a-f:.]+\]?$/i.test(word)) parameters.address = word;
    else words.push(word);
  }
  return { ...parameters, q: words.join("-") };
}

/// A line of the list.
function entry({ zone, name, instances, alias, hidden, newest }, chosen, hasZones) {
  const current = chosen?.zone === zone && chosen?.name === name ? "true" : null;
  const what = [alias?.resource.toLowerCase(), hasZones ? zone : null].filter(Boolean).join(", ");
  const mark = hidden ? make("span", { class: "tag warn", title: hiddenWords(hidden) }, alias ? "hides a service" : "hidden") : null;
  const nobody = alias && !instances ? make("span", { class: "tag warn" }, "leads to nobody") : null;
  const age = newest ? make("span", { class: "zone" }, `${span((Date.now() - Date.parse(newest)) / 1000)} ago`) : null;
  return make("li", {}, make("a", { href: toService(zone, name), "aria-current": current },
    make("span", { class: "name" }, name, " ", what ? make("span", { class: "zone" }, what) : null, " ", mark, nobody),
    make("span", { class: "many", title: `${instances} instances` }, age, " ", number(instances))));
}

/// Where no name has a word, it may be a tag or a version.
function suggestion(text) {
  if (!text || /[:\s]/.test(text)) return null;
  const link = (field) => make("a", { href: toSearch(`${field}:${text}`) }, `${field}:${text}`);
  return make("li", { class: "hint" }, "Look for ", link("tag"), " or ", link("version"), "?");
}

/// What is said below the list where it is not how much there is.
function words(count, text, isFirst, zones) {
  const unknown = zones.filter(({ revision }) => revision === null).map(({ zone }) => zone);
  const doubt = unknown.length ? ` Nothing is known yet of ${unknown.join(", ")}.` : "";
  if (count > 0) return doubt ? `${number(count)} are known.${doubt}` : undefined;
  if (!isFirst) return `There is no more.${doubt}`;
  if (text) return `No service is found by “${text}”.${doubt}`;
  if (doubt) return doubt.trim();
  const browsed = known.zones && !zonesOf("services").length;
  return browsed ? "No zone has services; Zones shows what there is." : "No service is registered.";
}
