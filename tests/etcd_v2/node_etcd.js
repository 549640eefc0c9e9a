// node-etcd as its guide uses it; prints one line for each step.
const Etcd = require('node-etcd');
const etcd = new Etcd(process.argv[2]);
const call = (method, ...args) =>
  new Promise(resolve => etcd[method](...args, (error, body) => resolve({ error, body })));
const show = (step, { error, body }) => {
  const found = error ? `fault ${error.errorCode ?? error.message}` : `${body.action} ${body.node.value ?? 'dir'}`;
  console.log(`${step}: ${found}`);
};
const key = 'services/web/1';
(async () => {
  show('set', await call('set', key, '10.0.0.1:8080', { ttl: 60 }));
  show('get', await call('get', key));
  show('refresh', await call('set', key, null, { ttl: 60, refresh: true, prevExist: true }));
  show('swap', await call('compareAndSwap', key, '10.0.0.2:8080', '10.0.0.1:8080'));
  show('test', await call('compareAndSwap', key, 'x', 'wrong'));
  show('mkdir', await call('mkdir', 'services/made'));
  show('rmdir', await call('rmdir', 'services/made'));
  show('create', await call('create', 'services/queue', 'first'));
  show('list', await call('get', 'services', { recursive: true }));
  const watcher = etcd.watcher(key);
  const changed = new Promise(resolve => watcher.on('change', body => resolve({ body })));
  await new Promise(resolve => setTimeout(resolve, 500));
  await call('set', key, '10.0.0.3:8080', { ttl: 2 });
  show('watch', await changed);
  const expired = new Promise(resolve => watcher.on('expire', body => resolve({ body })));
  const { body } = await expired;
  console.log(`watch: ${body.action} ${body.prevNode.value}`);
  watcher.stop();
  show('gone', await call('get', key));
  show('delete', await call('del', 'services/queue', { recursive: true }));
  console.log(`leader: ${(await call('leaderStats')).body.leader}`);
  console.log(`self: ${(await call('selfStats')).body.state}`);
  process.exit(0);
})();
