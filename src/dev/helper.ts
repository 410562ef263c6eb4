// The root helper on a developer's machine: where no rpcd starts its program, this process serves its object with the same code.

import { dirname, join } from 'node:path';
import { HELPER_METHODS, HELPER_OBJECT, type HelperVerb } from '../api/helper.ts';
import { nodeHost } from '../host/node/host.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import { SILENT } from '../log.ts';
import type { Process, Processes } from '../transport/host.ts';
import { UbusClient } from '../ubus/client.ts';
import type { UbusMethod } from '../ubus/object.ts';
import { answer, type Workplace } from '../verb.ts';

export interface HelperPlace {
  /** Path of the broker's socket. */
  socket: string;
  /** Stands in for /etc/config. */
  directory: string;
  /** Path of the configuration file that the daemon is given. */
  published: string;
}

/** Where the helper works on this machine: nowhere but in those directories. */
function workplace({ directory, published }: Omit<HelperPlace, 'socket'>): Omit<Workplace, 'machine'> {
  const list = 'publicnodes.json';
  const publicList = {
    kept: join(directory, list),
    delivered: join(directory, `delivered-${list}`),
    published: join(dirname(published), list),
  };
  const key = 'node.key';
  const nodeKey = { kept: join(directory, key), published: join(dirname(published), key) };
  return { directory, published, state: directory, publicList, nodeKey, run: directory };
}

/** Calls a method for the helper; answers with each reply. @throws Error */
export type UbusCall = (object: string, method: string, args: Record<string, unknown>) => Promise<readonly object[]>;

/** Plays the program `ubus`, as the helper calls it; nothing else is started. */
function playUbus(call: UbusCall): Processes {
  return {
    spawn([program, ...words], { onStdout, onExit }): Process {
      const [object, method, args = '{}'] = words.slice(words.indexOf('call') + 1);
      if (program !== 'ubus' || object === undefined || method === undefined)
        throw new Error(`${program}: the desk starts no program for its helper`);
      call(object, method, JSON.parse(args)).then(
        (replies) => {
          for (const reply of replies) onStdout?.(encodeUtf8(`${JSON.stringify(reply, undefined, '\t')}\n`));
          onExit({ code: 0 });
        },
        () => onExit({ code: 1 }),
      );
      return { pid: 0, write() {}, kill() {} };
    },
  };
}

/** Publishes the configuration, as the router's init script does before it starts the daemon or has it read again. @throws Error */
export async function publish(place: Omit<HelperPlace, 'socket'>): Promise<void> {
  const reply = await answer({ machine: nodeHost({ signals: false }), ...workplace(place) }, 'config_publish', '');
  if ('error' in reply) throw new Error(String(reply.error));
}

/** Keeps the helper's object on the bus, whenever there is one; answers with what ends that. */
export function serveHelper({ socket, ...place }: HelperPlace, call: UbusCall): () => void {
  const host = nodeHost({ args: [], signals: false, exit: () => {} });
  const machine = { ...host, processes: playUbus(call) };
  const { streams, clock } = machine;
  const client = new UbusClient({ streams, clock, random: Math.random, path: socket, log: SILENT });
  const method = (verb: HelperVerb): UbusMethod => ({
    args: HELPER_METHODS[verb].args,
    handle: (args) => answer({ machine, ...workplace(place) }, verb, JSON.stringify(args)),
  });
  const verbs = Object.keys(HELPER_METHODS) as HelperVerb[];
  client.publish({ path: HELPER_OBJECT, methods: Object.fromEntries(verbs.map((verb) => [verb, method(verb)])) });
  client.start();
  return () => client.stop();
}
