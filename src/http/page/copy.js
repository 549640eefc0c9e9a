// Buttons that copy: what is put on the clipboard can be pasted into a shell as it stands.

import { at, fill, make, shown } from "./dom.js";
import { known, sourceOf, standingOf } from "./known.js";

/// How long it is said that something was copied, in milliseconds.
const SAID = 4_000;
/// Words that mean nothing to a shell, and are no options.
const PLAIN = /^[A-Za-z0-9_./:@%+=,][A-Za-z0-9_./:@%+=,-]*$/;
/// Where the registry's keys are that `srvd leave` knows without being told.
const USUAL_PREFIX = "/services/";
/// Characters of a text that tell its button apart.
const ID_MAX = 300;
let timer = null;

/// A button that copies a text.
export function copyButton(label, text, what) {
  return make("button", { type: "button", class: "quiet copy", "data-id": `copy ${what} ${text.slice(0, ID_MAX)}`, "aria-label": `${label}: copy ${what}`, onclick: () => copy(text, what) }, label);
}

/// Copies a text, or says how to.
async function copy(text, what) {
  clearTimeout(timer);
  try {
    // Browsers have it on loopback and over HTTPS alone.
    await navigator.clipboard.writeText(text);
    fill(at("told"), make("p", {}, `Copied ${what}: `, make("code", {}, text)));
    timer = setTimeout(hush, SAID);
  } catch {
    const field = make("input", { type: "text", readonly: true, value: text, "aria-label": what, onblur: hush });
    fill(at("told"), make("p", {}, `The browser lets no page copy here (it does over HTTPS, and on the same machine). Copy ${what} from this field:`), field);
    field.select();
  }
  at("told").classList.remove("hidden");
}

/// Says nothing any more.
function hush() {
  at("told").classList.add("hidden");
  fill(at("told"));
}

/// A text as one word of a command: nothing in it means anything to a shell, or to the terminal
/// that it is pasted into.
export function shellWord(text) {
  if (PLAIN.test(text)) return text;
  if (/^[ -~]*$/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const octet = (value) => {
    const character = String.fromCharCode(value);
    if (character === "'" || character === "\\") return `\\${character}`;
    return value >= 0x20 && value < 0x7f ? character : `\\${value.toString(8).padStart(3, "0")}`;
  };
  return `$'${[...new TextEncoder().encode(text)].map(octet).join("")}'`;
}

/// A key as it is copied: itself, where all of it can be seen.
export const copiedKey = (key) => (shown(key) === key ? key : shellWord(key));

/// The command that asks this server for a name.
export function digLine(name, type) {
  const dns = known.server?.listeners.find(({ protocol }) => protocol === "dns")?.address;
  const colon = dns?.lastIndexOf(":") ?? -1;
  const host = dns?.slice(0, colon).replace(/^\[|\]$/g, "");
  const there = !host || host === "0.0.0.0" || host === "::" ? location.hostname.replace(/^\[|\]$/g, "") : host;
  const port = dns?.slice(colon + 1) ?? "53";
  return ["dig", `@${there}`, ...(port === "53" ? [] : ["-p", port]), ...(PLAIN.test(name) && !/^[@+]/.test(name) ? [name] : ["-q", shellWord(name)]), type].join(" ");
}

/// The command that removes an instance; null where none does.
export function leaveLine({ zone, name, id }) {
  const source = sourceOf(zone);
  if (!source || source.template || !name) return null;
  const endpoint = standingOf(zone)?.endpoint;
  const elsewhere = source.prefix !== USUAL_PREFIX && endpoint;
  const registry = elsewhere ? ["--registry", shellWord(`${endpoint}?prefix=${source.prefix.replace(/\/$/, "")}`)] : [];
  return ["srvd", "leave", ...registry, `--id=${shellWord(id)}`, "--", shellWord(name)].join(" ");
}
