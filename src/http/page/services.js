// Services and their instances, and what DNS says of them now.

import { get, seldom } from "./api.js";
import { fill, make, number, say, span, table } from "./dom.js";
import { answer } from "./ask.js";

/// Services that are listed at once.
const PAGE = 200;
/// Services that the server lists at once at most.
const LIMIT_MAX = 1000;
const COLUMNS = [["ID"], ["Location"], ["State"], ["Since"], ["Priority", "number"], ["Weight", "number"], ["Details"]];
const link = (zone, name) => `#/services/${encodeURIComponent(zone)}/${encodeURIComponent(name)}`;

/// The view: a list with a search, and a panel beside it.
export function services() {
  const search = make("input", { type: "search", id: "search", placeholder: "part of a name", autocomplete: "off", spellcheck: "false" });
  const list = make("ul", { class: "list", "aria-label": "Services" });
  const more = make("p", { class: "more faint", role: "status" });
  const panel = make("section", { class: "panel", "aria-label": "Service" });
  const next = make("button", { type: "button", class: "quiet hidden", onclick: () => { limit += PAGE; refreshList(); } }, "Show more");
  const left = make("div", {}, make("label", { for: "search" }, "Search services"), search, list, more, next);
  const node = make("div", { class: "split" }, left, panel);
  let chosen = null;
  let limit = PAGE;

  async function refreshList() {
    const wanted = search.value.trim();
    try {
      const { services, zones, next: rest } = await get("/v1/services", { q: wanted, limit: Math.min(limit, LIMIT_MAX) });
      if (wanted !== search.value.trim()) return;
      fill(list, services.map((service) => entry(service, chosen)));
      next.classList.toggle("hidden", !rest || limit >= LIMIT_MAX);
      say(more, words(services.length, rest, wanted) + missing(zones));
    } catch (fault) {
      say(more, reason(fault));
    }
  }

  async function refreshPanel() {
    const asked = chosen;
    if (!asked) return fill(panel, make("p", { class: "empty" }, "Choose a service to see its instances and what DNS answers for it."));
    const content = await service(asked).catch((fault) => {
      // What was shown is still the last that is known.
      if (!fault.status && panel.dataset.shows === link(asked.zone, asked.name)) return null;
      return [make("h2", {}, asked.name), make("p", { class: "empty" }, reason(fault))];
    });
    if (asked !== chosen || !content) return;
    panel.dataset.shows = link(asked.zone, asked.name);
    fill(panel, back(), content);
  }

  const refresh = async () => Promise.all([refreshList(), refreshPanel()]);
  search.addEventListener("input", seldom(refreshList, 150));
  return {
    node,
    refresh,
    enter([zone, name]) {
      chosen = name ? { zone, name } : null;
      node.classList.toggle("chosen", Boolean(chosen));
      refresh();
    },
  };
}

/// The way back to the list, where there is no room for both.
const back = () => make("p", { class: "narrow-only" }, make("a", { href: "#/services" }, "All services"));

/// A line of the list.
function entry({ zone, name, instances, alias }, chosen) {
  const current = chosen?.zone === zone && chosen?.name === name ? "true" : null;
  const what = alias ? `${alias.resource.toLowerCase()}, ` : "";
  return make("li", {}, make("a", { href: link(zone, name), "aria-current": current },
    make("span", { class: "name" }, name, make("span", { class: "zone" }, `${what}${zone}`)),
    make("span", { class: "many", title: `${instances} instances` }, number(instances))));
}

/// Zones of which nothing is known yet: the list is not the whole.
function missing(zones) {
  const unknown = zones.filter(({ revision }) => revision === null).map(({ zone }) => zone);
  return unknown.length ? ` Nothing is known yet of ${unknown.join(", ")}.` : "";
}

/// Why nothing can be shown.
const reason = (fault) => (fault.status ? fault.message : "srvd does not answer; trying again");

/// How much of the list is shown.
function words(shown, next, search) {
  if (shown === 0) return search ? `No service has “${search}” in its name.` : "No service is registered.";
  return next ? `the first ${number(shown)}; search to see others.` : `${number(shown)} in all.`;
}

/// One service: its instances and answers.
async function service({ zone, name }) {
  const found = await get(`/v1/services/${encodeURIComponent(name)}`, { zone, limit: PAGE });
  const { instances, aliases, total } = found;
  const names = [[`_${found.name}._tcp.${zone}`, "SRV"], [`${found.name}.${zone}`, "A"]];
  const answers = await Promise.all(names.map(([name, type]) => get("/v1/explain", { name, type }).catch((fault) => ({ fault }))));
  return [
    make("h2", {}, found.name),
    make("p", { class: "faint" }, `${number(total)} ${total === 1 ? "instance" : "instances"} in ${zone}`),
    aliases.map((alias) => make("p", {}, `${alias.name} is ${meaning(alias)}`)),
    make("h3", {}, "What DNS answers now"),
    answers.map((found) => answer(found)),
    make("h3", {}, "Instances"),
    table(COLUMNS, instances.map(row)),
    total > instances.length ? make("p", { class: "faint" }, `and ${number(total - instances.length)} more`) : null,
  ];
}

/// What a frontend or backend stands for.
export function meaning({ resource, app, version, backend }) {
  if (resource === "Backend") return `the backend of ${app}${version ? ` ${version}` : ""}`;
  return `the frontend of ${backend ?? "no backend yet"}`;
}

/// An instance as a line of the table.
function row(instance) {
  const tags = [instance.version && `version ${instance.version}`, ...(instance.tags ?? [])].filter(Boolean);
  const meta = Object.entries(instance.meta ?? {}).map(([key, value]) => `${key}=${value}`);
  const text = instance.text ? [instance.text] : [];
  return [
    make("code", { title: instance.key }, instance.id),
    make("code", {}, instance.host, instance.proto === "udp" ? " udp" : ""),
    make("span", { class: "tag good" }, "online"),
    age(instance),
    String(instance.priority),
    String(instance.weight),
    [...tags, ...meta, ...text].map((text) => make("span", { class: "tag" }, text)),
  ];
}

/// How long an instance has been there, or at least.
function age({ since, since_before }) {
  const exact = since ?? since_before;
  if (!exact) return "";
  const seconds = (Date.now() - Date.parse(exact)) / 1000;
  return make("time", { datetime: exact, title: exact }, `${since || seconds < 60 ? "" : "over "}${span(seconds)}`);
}
