// The nodes and cables that the desk router plays with: real ones in a lab, or the stand-in's, behind one face.

import type { Lab } from './lab.ts';
import type { Standin } from './standin.ts';

/** A node of the desk, real or played. */
export interface StageNode {
  readonly name: string;
  /** The logical interface that it would be on a router. */
  readonly iface: string;
  readonly key: string;
  readonly address: string;
  /** Path of its admin socket. */
  readonly socket: string;
  /** URIs of its configured peers. */
  readonly peers: readonly string[];
  readonly isRunning: boolean;
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** A connection between two nodes, by their names. */
export interface Cable {
  readonly from: string;
  readonly to: string;
  readonly isCut: boolean;
}

/** What is played with. */
export interface Stage {
  readonly nodes: readonly StageNode[];
  cables(): readonly Cable[];
  /** Cuts in silence, or joins. */
  setCut(cable: Cable, cut: boolean): Promise<void>;
}

/** A lab's nodes. */
export function labStage(lab: Lab): Stage {
  return {
    nodes: lab.nodes,
    cables: () => lab.links.map((link) => ({ from: link.from, to: link.to, isCut: lab.isCut(link) })),
    setCut: ({ from, to }, cut) => (cut ? lab.cutLink(from, to) : lab.joinLink(from, to)),
  };
}

/** The stand-in's nodes, each peered with each. */
export function standinStage(standin: Standin): Stage {
  const names = standin.nodes.map((node) => node.name);
  let cables: Cable[] = names.flatMap((from, i) => names.slice(i + 1).map((to) => ({ from, to, isCut: false })));
  return {
    nodes: standin.nodes,
    cables: () => cables,
    async setCut({ from, to }, cut) {
      if (cut) standin.cut(from, to, true);
      else standin.restore(from, to);
      cables = cables.map((cable) => (cable.from === from && cable.to === to ? { from, to, isCut: cut } : cable));
    },
  };
}

/** The router's Internet line, which is played. */
export interface Line {
  readonly isPlugged: boolean;
  plug(plugged: boolean): void;
}

/** Takes turns: undoes what was done last, or does it to the next one. */
export class Mischief {
  private cuts = 0;
  private kills = 0;

  constructor(
    private readonly stage: Stage,
    private readonly line: Line,
  ) {}

  /** Pulls the Internet line out, or plugs it in again. Answers with what was done. */
  toggleLine(): string {
    const plugged = !this.line.isPlugged;
    this.line.plug(plugged);
    return `the Internet line is ${plugged ? 'plugged in again' : 'pulled out'}`;
  }

  /** Joins the cable that is cut, else cuts the next one. Answers with what was done. */
  async toggleCable(): Promise<string> {
    const cables = this.stage.cables();
    const cut = cables.find((cable) => cable.isCut);
    const cable = cut ?? cables[this.cuts++ % cables.length];
    if (!cable) return 'there is no cable to cut';
    await this.stage.setCut(cable, !cut);
    return `cable ${cable.from}-${cable.to} ${cut ? 'joined again' : 'cut in silence: no node is told'}`;
  }

  /** Starts the node that was killed, else kills the next one. Answers with what was done. */
  async toggleNode(): Promise<string> {
    const { nodes } = this.stage;
    const dead = nodes.find((node) => !node.isRunning);
    const node = dead ?? nodes[++this.kills % nodes.length]!;
    if (dead) await node.start();
    else await node.kill();
    return `node ${node.name} ${dead ? 'started again' : 'killed'}`;
  }
}
