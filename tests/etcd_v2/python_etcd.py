"""python-etcd as its guide uses it; prints one line for each step."""
import sys
import threading
import time

import etcd

host, port = sys.argv[1], int(sys.argv[2])
client = etcd.Client(host=host, port=port)
KEY = '/services/web/1'


def fault(call, *args, **options):
    try:
        call(*args, **options)
    except etcd.EtcdException as error:
        return type(error).__name__
    return 'none'


print('write', client.write(KEY, '10.0.0.1:8080', ttl=60).newKey)
print('read', client.read(KEY).value, client.read(KEY).ttl)
print('refresh', client.refresh(KEY, ttl=60).ttl)
print('again', fault(client.write, KEY, 'x', prevExist=False))
print('swap', client.test_and_set(KEY, '10.0.0.2:8080', '10.0.0.1:8080').value)
print('test', fault(client.test_and_set, KEY, 'x', 'wrong'))
print('index', fault(client.write, KEY, 'x', prevIndex=1))
print('absent', fault(client.read, '/services/none'))
print('file', fault(client.write, '/services/web', 'x'))
print('below', fault(client.write, KEY + '/x', 'x'))
print('mkdir', client.write('/services/made', None, dir=True).dir)
print('full', fault(client.delete, '/services/web', dir=True))
print('append', client.write('/services/queue', 'first', append=True).key[:16])
result = client.read('/services', recursive=True, sorted=True)
print('leaves', sorted(child.key.split('/')[2] for child in result.leaves))
print('directory', [child.key for child in client.get('/services/web').children])
update = client.read(KEY)
update.value = '10.0.0.3:8080'
print('update', client.update(update).value)
index = client.write(KEY, '10.0.0.4:8080').modifiedIndex
print('watch', client.watch(KEY, index=index).value)
threading.Timer(0.5, lambda: client.write(KEY, '10.0.0.5:8080', ttl=2)).start()
print('wait', client.read(KEY, wait=True).value)
print('expire', client.watch(KEY).action)
print('lost', fault(client.read, KEY))
print('delete', client.delete('/services/queue', recursive=True).action)
print('rmdir', client.delete('/services/made', dir=True).action)
print('leader', client.leader['name'], list(client.members.values())[0]['name'])
print('machines', client.machines == ['http://%s:%d' % (host, port)], client.version)
print('stats', client.stats['state'])
reconnecting = etcd.Client(host=((host, port),), allow_reconnect=True)
print('reconnecting', reconnecting.write('/services/web/2', '10.0.0.6:8080', ttl=60).value)
