// What came, went and changed, as far as the server remembers it.

import { get, seldom } from "./api.js";
import { copiedKey, copyButton } from "./copy.js";
import { choice, clock, cut, fill, labelled, make, number, say } from "./dom.js";
import { zonesOf } from "./known.js";
import { toService } from "./links.js";
import { pages } from "./pages.js";
import { meaning } from "./service.js";

/// Events that are shown at once.
const PAGE = 100;
const KINDS = { online: "good", offline: "bad", changed: "warn" };
const WORDS = [["", "All"], ["online", "Online"], ["offline", "Offline"], ["changed", "Changed"], ["alias", "Frontends and backends"]];

/// The view: the newest first.
export function events() {
  const search = make("input", { type: "search", id: "event-search", placeholder: "part of a name, id or host", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const kind = choice({ id: "event-kind" }, WORDS, "");
  const zone = choice({ id: "event-zone" }, [["", "All"]], "");
  const pause = make("button", { type: "button", class: "quiet", "aria-pressed": "false", onclick: halt }, "Pause");
  const feed = make("ol", { class: "feed", "aria-label": "Events" });
  const empty = make("p", { class: "empty hidden" });
  const since = make("p", { class: "faint" });
  const paging = pages(PAGE, draw);
  const controls = make("div", { class: "row" }, labelled("Search events", search, "grow"), labelled("What", kind), labelled("Zone", zone), pause);
  const node = make("section", { class: "panel", "aria-label": "Events" }, controls, since, feed, empty, paging.node);
  let isHalted = false;
  let missed = 0;

  function halt() {
    isHalted = !isHalted;
    missed = 0;
    pause.setAttribute("aria-pressed", String(isHalted));
    tell();
    if (!isHalted) draw();
  }

  /// What the button says: how many came while it waits.
  const tell = () => say(pause, isHalted ? `Resume${missed ? ` (${number(missed)} new)` : ""}` : "Pause");

  /// Offers zones to choose from. Options that come from elsewhere bring a choice along.
  function offer(zones) {
    const chosen = zone.value;
    fill(zone, make("option", { value: "" }, "All"), zones.map((name) => make("option", { value: name }, name)));
    zone.value = zones.includes(chosen) ? chosen : "";
  }

  async function draw() {
    const zones = zonesOf("services");
    if (zone.options.length !== zones.length + 1) offer(zones);
    const asked = { q: search.value.trim(), event: kind.value, zone: zone.value };
    try {
      const { changes, next, since: begun } = await get("/v1/changes", { ...asked, ...paging.wanted() });
      const isAll = Object.values(asked).every((it) => !it);
      empty.classList.toggle("hidden", changes.length > 0);
      say(empty, isAll ? "Nothing has changed since this server began to remember." : "Nothing that this server remembers is like that.");
      fill(since, begun ? ["This server remembers all since ", clock(begun), "."] : null);
      fill(feed, changes.map((change) => entry(change, zones.length > 1)));
      paging.show(changes.length, next, undefined, changes.length ? undefined : "");
    } catch (fault) {
      paging.say(fault.status ? fault.message : "srvd does not answer; trying again");
    }
  }

  function anew() {
    paging.reset();
    return draw();
  }

  search.addEventListener("input", seldom(anew, 150));
  kind.addEventListener("change", anew);
  zone.addEventListener("change", anew);
  return {
    node,
    refresh: () => (isHalted ? tell() : draw()),
    /// So many events came.
    came(count) {
      missed += isHalted ? count : 0;
    },
    enter([name]) {
      if (name !== undefined) search.value = name;
      anew();
    },
  };
}

/// One event: of an instance, or of a frontend or backend.
function entry({ time, event, revision, by, instance, alias }, hasZones) {
  const { name, zone, key } = instance ?? alias;
  const what = instance
    ? [make("code", {}, cut(instance.id, 64)), " ", make("code", { class: "faint" }, cut(instance.host, 64))]
    : [make("span", { class: "faint" }, meaning(alias))];
  return make("li", {},
    clock(time),
    make("span", {}, make("span", { class: `tag ${KINDS[event]}`, title: `revision ${revision}` }, event)),
    make("span", {}, make("a", { href: toService(zone, name) }, cut(name, 64)), " ", what, hasZones ? [" ", make("span", { class: "zone" }, zone)] : null, by ? [" ", make("span", { class: "tag" }, "by ", cut(by, 64))] : null, " ", copyButton("copy key", copiedKey(key), "the key")));
}
