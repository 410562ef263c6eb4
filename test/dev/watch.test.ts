import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noticeText, Watch, type WatchBus } from '../../src/dev/watch.ts';
import { ManualClock, settle } from '../support/clock.ts';

type Notify = (type: string, data: Record<string, unknown>) => void;

class FakeBus implements WatchBus {
  readonly calls: string[] = [];
  readonly subscriptions = new Map<string, Notify>();
  peers: unknown = [{ remote: 'tcp://h:1' }];
  failure: string | undefined;

  async call(path: string, method: string, args?: Record<string, string>): Promise<Record<string, unknown>[]> {
    this.calls.push([path, method, args?.interface].filter(Boolean).join(' '));
    if (this.failure) throw new Error(this.failure);
    return [method === 'status' ? { version: '1' } : { peers: this.peers }];
  }

  subscribe(path: string, onNotify: Notify): void {
    this.subscriptions.set(path, onNotify);
  }
}

const ROUND = ['meshbridge status', 'yggdrasil peers ygg0', 'yggdrasil peers ygg1'];

function start(): { bus: FakeBus; clock: ManualClock; watch: Watch; changes: () => number; notices: string[] } {
  const bus = new FakeBus();
  const clock = new ManualClock();
  const notices: string[] = [];
  let changes = 0;
  const watch = new Watch(bus, clock, ['ygg0', 'ygg1'], {
    onChange: () => changes++,
    onNotice: (text) => notices.push(text),
  });
  watch.start();
  return { bus, clock, watch, changes: () => changes, notices };
}

const watching = suite('Watch');

watching('asks for everything every second', async () => {
  const { bus, clock, watch, changes } = start();
  await settle();
  assert.equal(bus.calls, ROUND);
  assert.equal(watch.interfaces.get('ygg1'), { peers: bus.peers });
  assert.is(watch.status?.version, '1');
  await clock.advance(1000);
  assert.equal(bus.calls, [...ROUND, ...ROUND]);
  assert.is(changes(), 2);
  watch.stop();
  await clock.advance(5000);
  assert.is(bus.calls.length, 6);
});

watching('asks at once when something happened', async () => {
  const { bus, clock, notices } = start();
  await settle();
  bus.subscriptions.get('yggdrasil')?.('peer_up', {
    interface: 'ygg0',
    peer: { remote: 'tcp://h:1', name: 'home-b', up: true },
  });
  await settle();
  assert.equal(notices, ['ygg0: peer up home-b tcp://h:1']);
  assert.is(bus.calls.length, 6);
  await clock.advance(1000);
  assert.is(bus.calls.length, 9, '~> one timer goes on');
});

watching('says why there is nothing, and recovers', async () => {
  const { bus, clock, watch } = start();
  await settle();
  bus.failure = 'call yggdrasil peers: not found';
  await clock.advance(1000);
  assert.equal(watch.interfaces.get('ygg0'), { problem: bus.failure });
  assert.is(watch.status, undefined);
  bus.failure = undefined;
  bus.peers = 'nonsense';
  await clock.advance(200);
  assert.equal(watch.interfaces.get('ygg0'), { problem: 'an answer without peers' });
  bus.peers = [];
  await clock.advance(1000);
  assert.equal(watch.interfaces.get('ygg0'), { peers: [] });
});

watching('does not complain about a daemon that is merely starting', async () => {
  const bus = new FakeBus();
  bus.failure = 'lookup yggdrasil: not found';
  const watch = new Watch(bus, new ManualClock(), ['ygg0'], { onChange() {}, onNotice() {} });
  watch.start();
  await settle();
  assert.is(watch.interfaces.size, 0);
  watch.stop();
});

watching.run();

const notice = suite('noticeText');
const NOTICES: [string, Record<string, unknown>, string][] = [
  [
    'peer_down',
    { interface: 'ygg0', peer: { remote: 'tcp://h:1', up: false, last_error: 'i/o timeout' } },
    'ygg0: peer down tcp://h:1: i/o timeout',
  ],
  [
    'peer_up',
    { interface: 'ygg0', peer: { remote: 'tcp://h:1', up: true, last_error: 'old' } },
    'ygg0: peer up tcp://h:1',
  ],
  ['link_down', { name: 'yggdrasil.ygg0', last_error: 'refused' }, 'daemon: link down yggdrasil.ygg0: refused'],
  ['verdict', { interface: 'ygg0', id: 'no_cable', state: 'bad' }, 'ygg0: verdict no_cable'],
  ['verdict', { interface: '', id: 'yggdrasil_unset', state: 'bad' }, 'daemon: verdict yggdrasil_unset'],
  ['peer_up', {}, '?: peer up '],
];
for (const [type, data, text] of NOTICES) notice(`says "${text}"`, () => assert.is(noticeText(type, data), text));
notice.run();
