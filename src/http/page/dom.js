// Nodes from data. Text only ever becomes text: nothing here, or elsewhere, parses markup.
// Whoever may write a key chooses characters: those that end lines, turn the order of others
// round or are not seen are shown as escapes, in whatever text comes onto the page.

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/// A character as an escape.
function escape(character) {
  const code = character.codePointAt(0);
  const digits = code.toString(16);
  return SHORT[character] ?? (code < 0x80 ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`);
}

/// A text with what cannot be seen of it escaped.
export const shown = (text) => String(text).replace(HIDDEN, escape);

/// The end of a line, where text is shown as it is laid out.
export const lineEnd = () => document.createTextNode("\n");

/// Children as nodes.
const nodes = (children) =>
  children.flat(Infinity).filter((child) => child !== undefined && child !== null).map((child) => (child instanceof Node ? child : document.createTextNode(shown(child))));

/// Puts a text in the place of what a node says, if it differs.
export function say(node, text) {
  if (node.textContent !== shown(text)) node.textContent = shown(text);
}

/// Makes an element: `make("a", { href: "#/x", class: "tag" }, "text", node, …)`.
export function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(key, shown(value));
  }
  node.append(...nodes(children));
  return node;
}

/// What tells a link or button apart from others of a view.
const marked = (node) => (node?.dataset?.id ? `[data-id="${CSS.escape(node.dataset.id)}"]` : node?.getAttribute?.("href") ? `[href="${CSS.escape(node.getAttribute("href"))}"]` : null);

/// Puts other children in the place of a node's own, if they differ: who reads, selects or goes
/// through them by keys is not disturbed by what says the same, and keeps the focus if not. What
/// is open stays open.
export function fill(node, ...children) {
  const next = node.cloneNode(false);
  next.append(...nodes(children));
  for (const open of node.querySelectorAll("details[open][data-id]")) next.querySelector(marked(open))?.setAttribute("open", "");
  const selection = getSelection();
  const reads = !selection.isCollapsed && node.contains(selection.anchorNode);
  if (reads || next.isEqualNode(node)) return node;
  const held = node.contains(document.activeElement) ? marked(document.activeElement) : null;
  const top = node.scrollTop;
  node.replaceChildren(...next.childNodes);
  node.scrollTop = top;
  if (held) node.querySelector(held)?.focus({ preventScroll: true });
  return node;
}

/// A text that may be long: cut, with the whole on demand.
export function cut(text, most = 100) {
  const characters = [...String(text)];
  if (characters.length <= most) return text;
  return make("details", { class: "long", "data-id": `long ${text.slice(0, 200)}` }, make("summary", {}, `${characters.slice(0, most).join("")}…`), make("span", { tabindex: "0" }, text));
}

/// A choice of words.
export function choice(attributes, options, chosen) {
  return make("select", attributes, options.map(([value, label]) => make("option", { value, selected: value === chosen }, label)));
}

/// A control with its label before it.
export const labelled = (label, control, kind = "short") => make("div", { class: kind }, make("label", { for: control.id }, label), control);

/// The element of an id.
export const at = (id) => document.getElementById(id);

/// A table whose cells name their column where there is no room for a head. What is `below` a row
/// has a row of its own.
export function table(columns, rows) {
  const heads = columns.map(([label, kind]) => make("th", { scope: "col", class: kind }, label));
  const cells = (row) => columns.map(([label, kind], n) => make("td", { "data-label": label, class: kind }, row[n] ?? ""));
  const below = (node) => make("tr", { class: "below" }, make("td", { colspan: columns.length }, node));
  const lines = (row) => [make("tr", {}, cells(row)), row.below ? below(row.below) : null];
  return make("table", {}, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows.map(lines)));
}

/// A text that is shown as it is laid out, line by line.
export const lines = (text) => make("pre", {}, text.split("\n").map((line) => make("span", { class: "line" }, line, lineEnd())));

/// A line of figures, oldest first, as an SVG drawing; `words` say it to those who cannot see it.
export function spark(values, words, kind = "") {
  const svg = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const [width, height] = [200, 40];
  const most = Math.max(1, ...values);
  const x = (n) => ((n / Math.max(1, values.length - 1)) * width).toFixed(1);
  const y = (value) => (height - 1 - (value / most) * (height - 3)).toFixed(1);
  const line = values.map((value, n) => `${x(n)} ${y(value)}`).join(" L ");
  const drawing = svg("svg", { class: `spark ${kind}`, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": words });
  if (values.length > 1) {
    drawing.append(svg("path", { class: "area", d: `M 0 ${height} L ${line} L ${width} ${height} Z` }), svg("path", { d: `M ${line}` }));
  }
  return drawing;
}

/// A number as people read it.
export const number = (value) => new Intl.NumberFormat("en").format(value);

/// A rate, with as many digits as it deserves.
export const rate = (value) => number(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10);

/// A time as people read it, with the day where that is not today.
export function clock(text) {
  const time = new Date(text);
  const isToday = time.toDateString() === new Date().toDateString();
  const day = isToday ? "" : `${time.toLocaleDateString("en-CA")} `;
  return make("time", { datetime: text, title: text }, `${day}${time.toLocaleTimeString("en-GB")}`);
}

/// Octets as people say them.
export const octets = (count) => (count >= 1 << 20 ? `${rate(count / (1 << 20))} MiB` : count >= 1024 ? `${rate(count / 1024)} KiB` : `${count} octets`);

/// Seconds as people say them.
export function span(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const fitting = units.find(([length]) => seconds >= length);
  return fitting ? `${Math.floor(seconds / fitting[0])} ${fitting[1]}` : "< 1 min";
}
