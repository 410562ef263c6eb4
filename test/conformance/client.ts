// The daemon's own client against a broker: what it promises must hold on every broker.

import * as assert from 'uvu/assert';
import { RemoteError, TimeoutError } from '../../src/errors.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { SILENT } from '../../src/log.ts';
import { UbusClient } from '../../src/ubus/client.ts';
import { Failure, type UbusObject } from '../../src/ubus/object.ts';
import type { Bus, Case } from './broker.ts';
import { show } from './raw.ts';

const PATIENCE_MS = 10_000;

/** Two clients of one bus, and more on demand; stopped when the case is over. */
class Clients {
  private readonly all: UbusClient[] = [];
  private readonly host = nodeHost({ signals: false });

  constructor(private readonly bus: Bus) {}

  /** A client that is up. */
  async open(): Promise<UbusClient> {
    const { streams, clock } = this.host;
    const client = new UbusClient({ streams, clock, random: Math.random, path: this.bus.path, log: SILENT });
    this.all.push(client);
    client.start();
    await until('connected', () => client.up);
    return client;
  }

  stop(): void {
    for (const client of this.all) client.stop();
  }
}

/** Looks again and again: what a client does of its own accord has no frame to wait for. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not ${what} after ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function object(path: string, handle: UbusObject['methods'][string]['handle'] = (args) => args): UbusObject {
  return { path, methods: { m: { args: { 'n?': 'int32', 'text?': 'string' }, handle } } };
}

async function published(client: UbusClient, path: string): Promise<void> {
  await until(`published: ${path}`, () =>
    client.lookup(path).then(
      () => true,
      () => false,
    ),
  );
}

function withClients(run: (clients: Clients, bus: Bus) => Promise<void>): Case[1] {
  return async (bus) => {
    const clients = new Clients(bus);
    try {
      await run(clients, bus);
    } finally {
      clients.stop();
    }
  };
}

const CASES: readonly (readonly [string, (clients: Clients, bus: Bus) => Promise<void>])[] = [
  [
    'publishes an object that another client finds and calls',
    async (clients) => {
      const [provider, caller] = [await clients.open(), await clients.open()];
      provider.publish(object('service', (args, { peer }) => ({ ...args, known: peer === caller.id })));
      await published(caller, 'service');
      assert.equal(await caller.call('service', 'm', { n: 7, unknown: [] }), [{ n: 7, known: true }]);
      const [found] = await caller.lookup('serv*');
      assert.equal(found?.signature, { m: { n: 5, text: 3 } });
    },
  ],
  [
    'answers late and out of order',
    async (clients) => {
      const [provider, caller] = [await clients.open(), await clients.open()];
      const waiting: (() => void)[] = [];
      provider.publish(object('late', ({ n }) => new Promise((resolve) => waiting.push(() => resolve({ n })))));
      await published(caller, 'late');
      const order: number[] = [];
      const calls = [1, 2, 3].map(async (n) => {
        assert.equal(await caller.call('late', 'm', { n }), [{ n }]);
        order.push(n);
      });
      await until('called three times', () => waiting.length === 3);
      for (const answer of waiting.reverse()) answer();
      await Promise.all(calls);
      assert.equal(order, [3, 2, 1]);
    },
  ],
  [
    'gets several DATA of one call',
    async (clients) => {
      const [provider, caller] = [await clients.open(), await clients.open()];
      provider.publish(object('many', () => [{ n: 1 }, { n: 2 }, { n: 3 }]));
      await published(caller, 'many');
      assert.equal(await caller.call('many', 'm'), [{ n: 1 }, { n: 2 }, { n: 3 }]);
    },
  ],
  [
    'is told the status and the reason of a refusal',
    async (clients) => {
      const [provider, caller] = [await clients.open(), await clients.open()];
      provider.publish(object('no', () => new Failure(6, 'not you')));
      await published(caller, 'no');
      const refused = await thrown(caller.call('no', 'm'));
      assert.instance(refused, RemoteError);
      assert.is((refused as RemoteError).status, 6);
      assert.match((refused as RemoteError).message, 'not you');
      assert.is(((await thrown(caller.call('no', 'missing'))) as RemoteError).status, 3);
      assert.is(((await thrown(caller.call('nobody', 'm'))) as RemoteError).status, 4);
      assert.is(((await thrown(caller.call('no', 'm', { n: 'x' }))) as RemoteError).status, 2);
    },
  ],
  [
    'gives a call up whose provider went away',
    async (clients, bus) => {
      const caller = await clients.open();
      const provider = await bus.connect();
      await provider.add('goes', { m: {} });
      const call = thrown(caller.call('goes', 'm', {}, { timeoutMs: 300 }));
      await provider.next();
      provider.close();
      assert.instance(await call, TimeoutError);
    },
  ],
  [
    'carries a megabyte both ways',
    async (clients) => {
      const [provider, caller] = [await clients.open(), await clients.open()];
      provider.publish(object('echo'));
      await published(caller, 'echo');
      const text = 'é'.repeat(500_000);
      const [reply] = await caller.call('echo', 'm', { text });
      assert.ok(reply?.text === text);
    },
  ],
  [
    'carries 500 calls at once',
    async (clients) => {
      const [provider, caller] = [await clients.open(), await clients.open()];
      provider.publish(object('busy'));
      await published(caller, 'busy');
      const text = 'x'.repeat(2000);
      const replies = await Promise.all(Array.from({ length: 500 }, (_, n) => caller.call('busy', 'm', { n, text })));
      assert.equal(
        replies.map(([reply]) => reply!.n),
        replies.map((_, n) => n),
      );
    },
  ],
  [
    'sends events to others and not to itself',
    async (clients) => {
      const [sender, listener] = [await clients.open(), await clients.open()];
      const heard: unknown[] = [];
      const own: unknown[] = [];
      let ready = false;
      listener.listen('mesh.*', (id, data) => {
        if (id === 'mesh.ready') ready = true;
        else heard.push([id, data]);
      });
      sender.listen('*', (id) => own.push(id));
      await until('listening', async () => {
        await sender.send('mesh.ready');
        return ready;
      });
      await sender.send('other', {});
      await sender.send('mesh.up', { n: 2 ** 40, list: [1] });
      await until('heard', () => heard.length > 0);
      assert.equal(heard, [['mesh.up', { n: 2 ** 40, list: [1] }]]);
      assert.is(own.includes('mesh.up'), false);
      assert.is(((await thrown(sender.send('ubus.object.add'))) as RemoteError).status, 6);
    },
  ],
  [
    'notifies subscribers, gets their answers, and learns whether there are any',
    async (clients) => {
      const [provider, subscriber] = [await clients.open(), await clients.open()];
      provider.publish(object('source'));
      const heard: unknown[] = [];
      const cancel = subscriber.subscribe('source', (type, data) => void heard.push([type, data]));
      await until('subscribed', () => provider.hasSubscribers('source'));
      const answers = await provider.notify('source', 'up', { n: 1 }, { wantReplies: true });
      assert.equal(
        answers.map(({ status }) => status),
        [0],
      );
      await provider.notify('source', 'down', { n: 2 });
      await until('heard', () => heard.length === 2);
      assert.equal(heard, [
        ['up', { n: 1 }],
        ['down', { n: 2 }],
      ]);
      cancel();
      await until('unsubscribed', () => !provider.hasSubscribers('source'));
    },
  ],
  [
    'subscribes again when the provider comes back',
    async (clients) => {
      const subscriber = await clients.open();
      const heard: string[] = [];
      subscriber.subscribe('source', (type) => void heard.push(type));
      for (const round of ['first', 'second', 'third']) {
        const provider = await clients.open();
        provider.publish(object('source'));
        await until('subscribed', () => provider.hasSubscribers('source'));
        await provider.notify('source', round, {}, { wantReplies: true });
        provider.stop();
      }
      assert.equal(heard, ['first', 'second', 'third']);
    },
  ],
  [
    'is back with everything after the broker was killed and restarted',
    async (clients, bus) => {
      const [provider, other] = [await clients.open(), await clients.open()];
      provider.publish(object('one'));
      provider.publish(object('two'));
      const heard: string[] = [];
      const events: string[] = [];
      other.subscribe('one', (type) => void heard.push(type));
      other.listen('mark.*', (id) => void events.push(id));
      for (let round = 0; round < 3; round++) {
        await until('subscribed', () => provider.hasSubscribers('one'));
        await provider.notify('one', `round ${round}`, {}, { wantReplies: true });
        await published(other, 'two');
        assert.equal(await other.call('one', 'm', { n: round }), [{ n: round }]);
        await until('listening', async () => {
          await provider.send(`mark.${round}`);
          return events.includes(`mark.${round}`);
        });
        await bus.kill();
        await until('disconnected', () => !provider.up && !other.up);
        await bus.start();
        await until('connected', () => provider.up && other.up);
      }
      assert.equal(heard, ['round 0', 'round 1', 'round 2']);
    },
  ],
  [
    'takes its path when the dead twin that holds it is gone',
    async (clients, bus) => {
      const twin = await bus.connect();
      const dead = await twin.add('path', { old: {} });
      const [provider, caller] = [await clients.open(), await clients.open()];
      provider.publish(object('path'));
      await provider.ping(); // its try was answered before
      const [before] = await caller.lookup('path');
      assert.is(before?.id, dead);
      twin.close();
      await until('taken', () =>
        caller.call('path', 'm', { n: 1 }, { timeoutMs: 500 }).then(
          () => true,
          () => false,
        ),
      );
    },
  ],
  [
    'gives its object back',
    async (clients, bus) => {
      const provider = await clients.open();
      const watcher = await bus.connect();
      await watcher.listen('ubus.object.*');
      provider.publish(object('gone'));
      assert.is(show(await watcher.next()).method, 'ubus.object.add');
      provider.withdraw('gone');
      assert.is(show(await watcher.next()).method, 'ubus.object.remove');
    },
  ],
];

export const CLIENTS: readonly Case[] = CASES.map(([name, run]) => [name, withClients(run)]);
