// A real Yggdrasil in a machine of the lab.

import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child } from '../../../src/dev/child.ts';
import { addressOf } from '../../../src/lib/yggdrasil-address.ts';
import type { Place } from './place.ts';
import { until } from './until.ts';

export interface MeshOptions {
  /** URIs. */
  peers?: readonly string[];
  listen?: readonly string[];
  /** Whether it has a device, `ygg0`. */
  tun?: boolean;
}

/** The device of every node that has one. */
export const MESH_DEVICE = 'ygg0';

/** One node; it keeps its key when it starts again. */
export class MeshNode {
  private child: Child | undefined;

  private constructor(
    private readonly place: Place,
    private readonly yggdrasil: string,
    private readonly config: string,
    /** 64 hex digits. */
    readonly key: string,
    /** Path of its admin socket. */
    readonly socket: string,
  ) {}

  /** Makes a key and a configuration, and starts it. @throws Error */
  static async start(
    place: Place,
    yggdrasil: string,
    { peers = [], listen = [], tun = true }: MeshOptions,
  ): Promise<MeshNode> {
    const made = JSON.parse(await place.must([yggdrasil, '-genconf', '-json'])) as { PrivateKey: string };
    const socket = join(place.directory, 'ygg0.sock');
    const config = join(place.directory, 'yggdrasil.conf');
    const own = {
      PrivateKey: made.PrivateKey,
      AdminListen: `unix://${socket}`,
      MulticastInterfaces: [],
      NodeInfoPrivacy: true,
    };
    writeFileSync(
      config,
      JSON.stringify({ ...own, Peers: peers, Listen: listen, IfName: tun ? MESH_DEVICE : 'none', IfMTU: 65_535 }),
    );
    const key = (await place.must([yggdrasil, '-useconffile', config, '-publickey'])).trim();
    const node = new MeshNode(place, yggdrasil, config, key, socket);
    await node.start();
    return node;
  }

  get address(): string {
    return addressOf(this.key)!;
  }

  get pid(): number | undefined {
    return this.child?.isRunning ? this.child.pid : undefined;
  }

  /** Resolves when its admin socket answers. @throws Error with its last words. */
  async start(): Promise<void> {
    const child = await this.place.start([this.yggdrasil, '-useconffile', this.config]);
    this.child = child;
    await until(`Yggdrasil in ${this.place.name} answers`, () => {
      if (!child.isRunning) throw new Error(child.tail.at(-1) ?? 'it said nothing');
      return isAnswering(this.socket);
    });
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.child?.ended;
  }

  /** Stops it without a word to anybody: its peers go on taking it for alive. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', (failed) => resolve(!failed));
  });
}
