// Drives the npm package bender-api: node client.js walk|hold HOST:PORT…
//
// `walk` does what bender's own tests do, and fails with the first thing that is otherwise.
// `hold` registers until it is killed, and says each failure on standard error.
'use strict';

const assert = require('assert');
const bender = require('bender-api');

const [mode, ...places] = process.argv.slice(2);
const servers = places.map((place) => {
  const at = place.lastIndexOf(':');
  return { host: place.slice(0, at), port: Number(place.slice(at + 1)) };
});
const client = bender({ servers: servers.slice() });

/** Calls a method of the package. Gives what it was answered, or the error as a value. */
function call(method, ...values) {
  return new Promise((resolve) => {
    client[method](...values, (error, body) => resolve(error || body));
  });
}

/** Waits until a call gives what is looked for: a server is a moment behind another. */
async function eventually(look, method, ...values) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await call(method, ...values);
    if (look(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${method} ${JSON.stringify(values)} ${look}`);
}

/** Asserts that a call failed, with a status and a code. */
function refused(error, statusCode, code) {
  assert.ok(error instanceof Error, JSON.stringify(error));
  assert.deepStrictEqual([error.statusCode, error.code], [statusCode, code]);
  assert.ok(error.message.length > 'bender error (400): '.length, error.message);
}

/** Asserts that a call did not fail. */
function done(found) {
  assert.ok(!(found instanceof Error), String(found));
  return found;
}

async function registrations() {
  const place = { app: 'hello-world', version: '1.0.0', host: 'localhost', port: 10000 };
  const listed = (count) => (found) => found.length === count;
  assert.deepStrictEqual(await call('getRegistrations', place.app, place.version), []);
  done(await call('register', place));
  const [one] = await eventually(listed(1), 'getRegistrations', place.app, place.version);
  assert.deepStrictEqual(one, { resource: 'Registration', ...place });
  await eventually(listed(1), 'getRegistrations', place.app);
  await eventually((found) => found.some((it) => it.app === place.app), 'getRegistrations');
  await eventually(listed(0), 'getRegistrations', place.app, place.version);
}

async function backends() {
  const backend = { name: 'hello-backend', app: 'hello-world', version: '1.0.0' };
  refused(await call('getBackend', 'foo-bar'), 404, 'NOT_FOUND');
  refused(await call('createBackend', { name: 'invalid', app: 'hello-world' }), 400, 'INVALID');
  assert.deepStrictEqual(await call('getBackends'), []);
  done(await call('createBackend', backend));
  refused(await call('createBackend', backend), 409, 'CONFLICT');
  const found = await eventually((it) => it.name === backend.name, 'getBackend', backend.name);
  assert.deepStrictEqual(found, { resource: 'Backend', ...backend });
  done(await call('updateBackend', backend, { ...backend, version: '2.0.0' }));
  await eventually((it) => it.version === '2.0.0', 'getBackend', backend);
  assert.strictEqual((await call('getBackends')).length, 1);
  done(await call('removeBackend', backend.name));
  refused(await eventually((it) => it instanceof Error, 'getBackend', backend.name), 404, 'NOT_FOUND');
  refused(await call('removeBackend', backend), 404, 'NOT_FOUND');
}

async function frontends() {
  const frontend = { name: 'hello-world' };
  refused(await call('getFrontend', 'foo-bar'), 404, 'NOT_FOUND');
  assert.deepStrictEqual(await call('getFrontends'), []);
  done(await call('createFrontend', frontend));
  refused(await call('createFrontend', frontend), 409, 'CONFLICT');
  const found = await eventually((it) => it.name === frontend.name, 'getFrontend', frontend);
  assert.deepStrictEqual(found, { resource: 'Frontend', ...frontend });
  done(await call('removeFrontend', frontend));
  refused(await eventually((it) => it instanceof Error, 'getFrontend', frontend), 404, 'NOT_FOUND');
}

async function walk() {
  await backends();
  await frontends();
  await registrations();
}

/** Registers as `startRegistering` does, which tells nobody of failures. */
function hold() {
  const place = { app: 'held', version: '1', host: '10.0.0.7', port: 7007 };
  const told = (error) => {
    if (error) console.error(String(error));
  };
  client.register(place, (error) => {
    told(error);
    console.log('registered');
  });
  setInterval(() => client.register(place, told), 400);
}

if (mode === 'hold') {
  hold();
} else {
  walk().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
