// What is known of this server and its zones, for every view: asked for now and then.

import { get } from "./api.js";

/// Zones that are asked for: as many as a page of the server's has.
const ZONES_MAX = 1000;

/// The server (`/v1/server`), its zones (`/v1/zones`) and how both stand (`/v1/status`): null
/// before the first word of each.
export const known = { server: null, zones: null, status: null };

/// Asks for what seldom changes; what is not answered stays as it was.
export async function learn() {
  const [server, zones] = await Promise.all([get("/v1/server"), get("/v1/zones", { limit: ZONES_MAX })].map((asked) => asked.catch(() => null)));
  known.server = server ?? known.server;
  known.zones = zones?.zones ?? known.zones;
}

/// Where a zone's names come from, if that is known.
export const sourceOf = (zone) => known.zones?.find((it) => it.zone === zone);

/// How a zone stands, if that is known.
export const standingOf = (zone) => known.status?.zones.find((it) => it.zone === zone);

/// Zones of a schema.
export const zonesOf = (schema) => (known.zones ?? []).filter((it) => it.schema === schema).map((it) => it.zone);
