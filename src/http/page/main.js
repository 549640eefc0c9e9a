// The page: which view is shown, its keys, its colours, and the figures at its head.

import { get, seldom } from "./api.js";
import { at, fill, say, shown as seeable } from "./dom.js";
import { ask } from "./ask.js";
import { events } from "./events.js";
import { figures, problemCount } from "./figures.js";
import { known, learn } from "./known.js";
import { follow } from "./live.js";
import { look, problems } from "./problems.js";
import { services } from "./services.js";
import { about, alarms, banner, named, standing } from "./state.js";
import { zones } from "./zones.js";

/// How often the figures are asked for, in milliseconds: as often as the server takes them.
const STATUS_EVERY = 2_000;
/// The least time between two refreshes that events ask for.
const REFRESH_PAUSE = 700;
/// How often what seldom changes is asked for, in milliseconds.
const LEARN_EVERY = 15_000;
/// How long the page waits for that before it is drawn.
const LEARN_AT_MOST = 1_000;
const VIEWS = { services, problems, ask, events, zones };
const THEMES = ["auto", "light", "dark"];

let shown = null;
/// What the zones were at when their figures were last asked for: keys that cannot be used
/// change it, and are no events.
let seen = null;
/// Whether problems are to be looked for again.
let pending = false;

/// What the address says: `#/services/ZONE/NAME` is the view and its parts.
function place() {
  const [name, ...parts] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponentSafe);
  if (name === "search") return { name: "services", parts: [undefined, undefined, undefined, parts[0] ?? ""] };
  return { name: Object.hasOwn(VIEWS, name) ? name : "services", parts };
}

/// A part of the address; one that is no encoding stands for itself.
function decodeURIComponentSafe(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/// Shows the view of the address; a view that is shown already only learns its new parts.
function show() {
  const { name, parts } = place();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown?.name !== name) {
    shown?.view.leave?.();
    shown = { name, view: VIEWS[name]() };
    fill(at("main"), shown.view.node);
  }
  title();
  shown.view.enter?.(parts);
}

/// Says in the title which view and which server this is.
function title() {
  const view = document.querySelector(`nav a[data-view=${shown.name}]`).firstChild.textContent.trim();
  document.title = seeable(named(known.server, view));
}

/// Asks for what seldom changes, again and again, while somebody looks.
async function standingFacts() {
  if (!document.hidden) {
    await learn();
    title();
  }
  setTimeout(standingFacts, LEARN_EVERY);
}

/// Asks for the figures, again and again, while somebody looks.
async function status() {
  if (!document.hidden) {
    try {
      const now = await get("/v1/status");
      figures(at("figures"), now);
      about(at("about"), now);
      known.status = now;
      banner(at("notice"), alarms(now));
      standing(at("state"), now);
      const reached = JSON.stringify(now.zones.map(({ revision, standing }) => [revision, standing]));
      if (reached !== seen) refresh();
      const isDue = reached !== seen || pending;
      seen = reached;
      if (isDue) {
        pending = !(await look(problemCount));
        // What is shown may have problems of its own.
        refresh();
      }
    } catch (fault) {
      standing(at("state"), null, fault);
      banner(at("notice"), [["bad", `This page shows what was known before: ${fault.status ? fault.message : "srvd does not answer"}.`]]);
    }
  }
  setTimeout(status, STATUS_EVERY);
}

/// Goes through auto, light and dark, and remembers it.
function theme(step) {
  const now = THEMES.indexOf(localStorage.getItem("theme") ?? "auto");
  const next = THEMES[(Math.max(now, 0) + step) % THEMES.length];
  localStorage.setItem("theme", next);
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  say(at("theme"), `Colours: ${next}`);
}

/// Keys that work everywhere but where text is written.
function key(event) {
  const writes = event.target.closest("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && writes) return writes.blur();
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return step(event);
  if (writes) return;
  const number = Number(event.key);
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("main input")?.focus();
  } else if (number >= 1 && number <= Object.keys(VIEWS).length) {
    location.hash = `#/${Object.keys(VIEWS)[number - 1]}`;
  }
}

/// Arrows go through a list, and from the search into it.
function step(event) {
  const links = [...document.querySelectorAll(".list a")];
  const here = links.indexOf(document.activeElement);
  const searches = event.target.matches("input[type=search]");
  if (!links.length || (here < 0 && !searches)) return;
  event.preventDefault();
  const next = event.key === "ArrowDown" ? here + 1 : here - 1;
  if (next < 0) document.querySelector("main input[type=search]")?.focus();
  else links[Math.min(next, links.length - 1)].focus();
}

const refresh = seldom(async () => shown?.view.refresh?.(), REFRESH_PAUSE);

/// Something changed: so many events came.
function changed(count) {
  shown?.view.came?.(count);
  refresh();
}

theme(0);
at("theme").addEventListener("click", () => theme(1));
addEventListener("hashchange", show);
addEventListener("keydown", key);
if (!location.hash) history.replaceState(null, "", "#/services");
// Links need to know the zones, but nobody waits long for that.
await Promise.race([learn(), new Promise((done) => setTimeout(done, LEARN_AT_MOST))]);
show();
status();
setTimeout(standingFacts, LEARN_EVERY);
follow(changed);
