// Our MQTT client on the hosts that there are, as a test sees it: started with an order, ended by the test, and what happened to it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProgram } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { inProject } from '../../build/project.ts';
import { Child } from '../../src/dev/child.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { type ClientOrder, type Happening, playClient } from '../broker/remote-client.ts';
import { waitFor } from './scripted-broker.ts';

/** A client that runs. */
export class RunningClient {
  readonly happenings: Happening[] = [];
  /** Ends it at once, without a word to the broker. */
  kill: () => Promise<void> = () => Promise.resolve();

  /** Waits for the next thing of this kind that `fits`, counted from `from`. @throws Error with what happened instead */
  async next<K extends string>(
    kind: K,
    fits: (one: Extract<Happening, Record<K, unknown>>) => boolean = () => true,
    from = 0,
  ): Promise<Extract<Happening, Record<K, unknown>>> {
    const found = (): Extract<Happening, Record<K, unknown>> | undefined =>
      this.happenings
        .slice(from)
        .find(
          (one): one is Extract<Happening, Record<K, unknown>> =>
            kind in one && fits(one as Extract<Happening, Record<K, unknown>>),
        );
    try {
      await waitFor(kind, found);
    } catch (error) {
      throw new Error(`${(error as Error).message}; got ${JSON.stringify(this.happenings.slice(-10))}`);
    }
    return found()!;
  }
}

/** A host, and how a client is started on it. */
export interface ClientHost {
  name: string;
  start(order: ClientOrder): Promise<RunningClient>;
}

const onNode: ClientHost = {
  name: 'Node',
  async start(order) {
    const client = new RunningClient();
    const host = nodeHost({ args: [], signals: false, exit: () => {} });
    void playClient(host, order, (one) => client.happenings.push(one));
    client.kill = async () => host.exit(0);
    return client;
  },
};

/** The hosts of this machine. `close` removes what was made for them. */
export async function clientHosts(): Promise<{ hosts: ClientHost[]; close(): void }> {
  if (!findCompiler()) {
    console.log('skipped: the MQTT client on the C host: no C compiler (install gcc)');
    return { hosts: [onNode], close() {} };
  }
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-client-'));
  const bundle = join(directory, 'client.js');
  await bundleProgram(inProject('test/broker/client-guest.ts'), bundle, join(directory, 'meta.json'));
  const out = join(directory, 'client');
  await buildNative({ bundle, out, debug: true, tls: true });
  const onC: ClientHost = {
    name: 'the C host',
    async start(order) {
      const client = new RunningClient();
      const file = join(directory, `${order.clientId}.json`);
      writeFileSync(file, JSON.stringify(order));
      const child = await Child.start([out, file], (line) => client.happenings.push(JSON.parse(line)));
      client.kill = async () => {
        child.kill('SIGKILL');
        await child.ended;
      };
      return client;
    },
  };
  return { hosts: [onNode, onC], close: () => rmSync(directory, { recursive: true, force: true }) };
}
