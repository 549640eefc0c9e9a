// What the server says. Every look-up is bounded in time and tells its failure in words.

const PATIENCE = 10_000;

/// What is wrong, in the server's words.
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/// The JSON at a path, with parameters.
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ""));
  const address = query.size ? `${path}?${query}` : path;
  const reply = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), headers: { accept: "application/json" } });
  const body = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Refused(reply.status, body.message ?? `the server says ${reply.status}`);
  return body;
}

/// Runs `work` soon, and not again before it has ended and `pause` has passed, however often it is asked for.
export function seldom(work, pause) {
  let waiting = false;
  let running = false;
  const run = async () => {
    running = true;
    waiting = false;
    await work();
    setTimeout(() => {
      running = false;
      if (waiting) run();
    }, pause);
  };
  return () => {
    waiting = true;
    if (!running) run();
  };
}
