// What a running desk router shows: a screen on a terminal, lines, or JSON lines.

import type { Desk } from './desk.ts';
import { Drawer, type EventView, type ScreenState, wantsColor } from './screen.ts';
import type { Watch } from './watch.ts';

export type Mode = 'screen' | 'plain' | 'json';

const MAX_EVENTS = 100;

/** Shows a desk router in one of the modes. */
export class Show {
  private readonly events: EventView[] = [];
  private readonly drawer: Drawer | undefined;
  private lastSummary = '';
  private isDirty = true;

  constructor(
    private readonly mode: Mode,
    private readonly desk: Desk,
    private readonly watch: Watch,
  ) {
    if (mode === 'screen')
      this.drawer = new Drawer(process.stdout, wantsColor(process.env, process.stdout.isTTY === true));
  }

  open(): void {
    this.drawer?.open();
    if (this.mode === 'plain') {
      const { yggdrasil, broker, engine, warning, pages, hints } = this.state();
      print(`${yggdrasil} | ${broker} | ${engine}`);
      if (pages) print(`web pages: ${pages}`);
      if (warning) print(warning);
      for (const hint of hints) print(`try: ${hint}`);
    }
    this.changed();
  }

  /** Draws what changed since the last call. */
  tick(): void {
    if (this.isDirty) this.drawer?.draw(this.state());
    this.isDirty = false;
  }

  resized(): void {
    this.drawer?.resized();
    this.isDirty = true;
  }

  close(): void {
    this.drawer?.close();
  }

  event(text: string, more: Record<string, unknown> = {}): void {
    const now = new Date();
    this.events.push({ time: now.toTimeString().slice(0, 8), text });
    if (this.events.length > MAX_EVENTS) this.events.shift();
    if (this.mode === 'plain') print(`${this.events.at(-1)!.time} ${text}`);
    if (this.mode === 'json') printJson({ type: 'event', at: now.toISOString(), text, ...more });
    this.isDirty = true;
  }

  /** The daemon answered, or the lab changed. */
  changed(): void {
    this.isDirty = true;
    if (this.mode === 'json') {
      const { yggdrasil, broker, engine, pages, nodes, daemon } = this.state();
      printJson({ type: 'state', at: new Date().toISOString(), yggdrasil, broker, engine, pages, daemon, nodes });
    }
    if (this.mode === 'plain') {
      const summary = this.state()
        .nodes.map(({ name, peers, problem }) => {
          const up = peers?.filter((peer) => peer.state === 'up').length;
          return `${name} ${peers ? `${up}/${peers.length} up` : (problem ?? 'waiting')}`;
        })
        .join(', ');
      if (summary !== this.lastSummary) print(`peers: ${summary}`);
      this.lastSummary = summary;
    }
  }

  private state(): ScreenState {
    const { desk, watch } = this;
    const { nodes } = desk.stage;
    return {
      ...desk.words,
      ...(!desk.lab && {
        warning: 'STAND-IN: no Yggdrasil runs, these nodes are played from transcripts',
      }),
      ...(watch.status && { daemon: watch.status }),
      ...(desk.pages && { pages: desk.pages.words }),
      nodes: nodes.map((node) => ({
        name: `home-${node.name}`,
        interface: node.iface,
        address: node.address,
        isRunning: node.isRunning,
        ...watch.interfaces.get(node.iface),
      })),
      names: new Map(nodes.map((node) => [node.key, `home-${node.name}`])),
      cables: desk.stage.cables(),
      events: this.events,
      hints: this.hints(),
      keys: 'keys: c cut or join a cable, k kill or start a node, i pull or plug the Internet line, q quit',
    };
  }

  private hints(): string[] {
    const hints = ['npm run ubus -- call yggdrasil peers', 'npm run ubus -- listen'];
    const inside = this.desk.lab?.nodes[0]?.namespace;
    const far = this.desk.stage.nodes[1]?.address;
    if (inside && far) hints.push(`nsenter -t ${inside.pid} -n ping ${far}`);
    return hints;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printJson(value: object): void {
  print(JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? Number(member) : member)));
}
