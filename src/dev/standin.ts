// Yggdrasil nodes that are played from transcripts of real ones, for machines where none can run, and for tests.

import { join } from 'node:path';
import { PlayedNode } from './standin/node.ts';
import { AdminSocket } from './standin/socket.ts';
import { type NodeName, TRANSCRIPTS } from './standin/transcript.ts';

export interface StandinOptions {
  /** Where the sockets go, which must exist: `<directory>/ygg0.sock`. */
  directory: string;
  /** Default a, b and c, which peer with one another; `e` is a neighbour of a. */
  nodes?: readonly NodeName[];
  /** 0.5.5 to 0.5.14, or 0.4.7, which knows next to nothing; default 0.5.12, which is what was captured. */
  version?: string;
  /** Takes a line for people: a node ended by itself. */
  log?(line: string): void;
}

/** One played node, as `LabNode` is a real one. */
export class StandinNode {
  private played: PlayedNode;
  private admin: AdminSocket | undefined;

  constructor(
    readonly name: NodeName,
    /** The logical interface that it would be on a router. */
    readonly iface: string,
    /** Path of its admin socket. */
    readonly socket: string,
    private readonly version: string,
    private readonly log: (line: string) => void,
  ) {
    this.played = this.play();
  }

  /** 64 hex digits. */
  get key(): string {
    return this.played.key;
  }

  get address(): string {
    return this.played.address;
  }

  /** URIs of the peers that its configuration names. */
  get peers(): readonly string[] {
    return this.played.configured;
  }

  /** Whether it runs: a request that kills a real node ends it too. */
  get isRunning(): boolean {
    return this.admin !== undefined;
  }

  /** Starts it, with the peers of the transcript. @throws Error when the socket cannot be bound. */
  async start(): Promise<void> {
    if (this.admin) return;
    this.played = this.play();
    this.admin = await AdminSocket.open(this.socket, this.played, () => {
      this.admin = undefined;
      this.log(`node ${this.name} crashed`);
    });
  }

  async stop(): Promise<void> {
    const { admin } = this;
    this.admin = undefined;
    await admin?.close();
  }

  /** As `stop`: nobody could tell the difference. */
  kill(): Promise<void> {
    return this.stop();
  }

  /** Ends all connections to its socket, and nothing else. */
  dropClients(): void {
    this.admin?.dropClients();
  }

  /** Loses its links to another node: `silently` as when a cable is pulled, which it does not notice. Answers how many. */
  cut(other: StandinNode, silently = false): number {
    return this.played.cut(other.key, silently);
  }

  restore(other: StandinNode): void {
    this.played.restore(other.key);
  }

  private play(): PlayedNode {
    return new PlayedNode(this.name, this.version, () => performance.now());
  }
}

/** Played nodes, peered with one another. */
export class Standin {
  constructor(readonly nodes: readonly StandinNode[]) {}

  /** @throws Error when there is none of this name. */
  node(name: string): StandinNode {
    const node = this.nodes.find((n) => n.name === name);
    if (!node) throw new Error(`no node ${name}: ${this.nodes.map((n) => n.name).join(', ')}`);
    return node;
  }

  /** Cuts all links between two nodes, on both sides. @throws Error when there are none. */
  cut(one: string, other: string, silently = false): void {
    const [a, b] = [this.node(one), this.node(other)];
    if (a.cut(b, silently) + b.cut(a, silently) === 0) throw new Error(`${one} and ${other} have no link`);
  }

  restore(one: string, other: string): void {
    const [a, b] = [this.node(one), this.node(other)];
    a.restore(b);
    b.restore(a);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

/**
 * Starts the nodes.
 * @throws Error when a socket cannot be bound; RangeError on a version that is not known.
 */
export async function startStandin(options: StandinOptions): Promise<Standin> {
  const { directory, nodes: names = ['a', 'b', 'c'], version = '0.5.12', log = () => {} } = options;
  const nodes = names.map((name, i) => {
    if (!Object.hasOwn(TRANSCRIPTS, name)) throw new RangeError(`no transcript of a node ${name}`);
    return new StandinNode(name, `ygg${i}`, join(directory, `ygg${i}.sock`), version, log);
  });
  const standin = new Standin(nodes);
  try {
    for (const node of nodes) await node.start();
  } catch (error) {
    await standin.close();
    throw error;
  }
  return standin;
}
