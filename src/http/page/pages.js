// Pages of a long list: one is shown at a time, so that as much is drawn, and asked for again when
// something changes, whatever there is in all.

import { make, number, say } from "./dom.js";

/// A list in pages of so many: `turn` shows another.
export function pages(size, turn) {
  /// What `after` is for each page up to the one that is shown.
  let afters = [undefined];
  let following = null;
  const words = make("span", { role: "status" });
  const step = (change) => () => {
    change();
    turn();
  };
  const back = make("button", { type: "button", class: "quiet hidden", onclick: step(() => afters.pop()) }, "Previous");
  const next = make("button", { type: "button", class: "quiet hidden", onclick: step(() => afters.push(following)) }, "Next");
  const node = make("div", { class: "pages" }, make("p", { class: "more faint" }, words), back, next);

  return {
    node,
    /// The parameters of the page that is shown.
    wanted: () => ({ limit: size, after: afters.at(-1) }),
    /// Begins anew.
    reset: () => (afters = [undefined]),
    /// Whether it is the first page that is shown.
    isFirst: () => afters.length === 1,
    /// Says what is shown: so many, and what `next` was.
    show(count, rest, total, text) {
      following = rest;
      back.classList.toggle("hidden", afters.length === 1);
      next.classList.toggle("hidden", !rest);
      const first = (afters.length - 1) * size + 1;
      const range = afters.length === 1 && !rest ? `${number(total ?? count)} in all.` : `${number(first)}–${number(first + count - 1)}${total === undefined ? "" : ` of ${number(total)}`}.`;
      say(words, text ?? range);
    },
    /// Says something else.
    say: (text) => say(words, text),
  };
}
