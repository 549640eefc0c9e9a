// etcd-registry as a program uses it: join, lookup, list, leave.
const registry = require('etcd-registry');
const [url, step] = process.argv.slice(2);
const services = registry(url);
const say = (error, found) => {
  console.log(JSON.stringify(error ? { error: error.message } : found ?? null));
  process.exit(0);
};
const join = then =>
  services.join('web', { hostname: '10.0.0.1', port: 8080 }, error => (error ? say(error) : then()));
const steps = {
  join: () => join(() => say(null, 'joined')),
  lookup: () => services.lookup('web', say),
  list: () => services.list(say),
  leave: () => join(() => services.leave('web', error => say(error, 'left'))),
};
steps[step]();
