// Finds the Yggdrasil interfaces of this router: set by configuration, known to netifd, or by their admin sockets.

import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FoundBy } from '../mesh/node.ts';
import type { Cancel, Clock, Endpoint, Files } from '../transport/host.ts';

/** One Yggdrasil to look after. */
export interface FoundInterface {
  /** Logical interface, as netifd names it. */
  name: string;
  endpoint: Endpoint;
  foundBy: FoundBy;
}

/** The part of the ubus client that is needed here. */
export interface NetifdBus {
  call(path: string, method: string): Promise<Record<string, unknown>[]>;
}

export interface DiscoveryOptions {
  /** Interfaces of the configuration; always there, always first. */
  configured: readonly { name: string; endpoint: Endpoint }[];
  /** Look further than the configuration. */
  discover: boolean;
  /** Where netifd's protocol handler puts the sockets: `<directory>/<interface>.sock`. */
  socketDirectory: string;
  /** Interfaces that are looked after; a router with more has a mistake in its configuration. */
  most: number;
}

const RESCAN_MS = 60_000;
const NAME = /^[A-Za-z0-9_.-]{1,32}$/;
const SUFFIX = '.sock';

/** Names of the interfaces with protocol yggdrasil in the answer of `network.interface dump`. */
export function yggdrasilInterfaces(dump: unknown): string[] {
  const list = (dump as { interface?: unknown } | null | undefined)?.interface;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { interface: name, proto } = (entry ?? {}) as { interface?: unknown; proto?: unknown };
    return proto === 'yggdrasil' && typeof name === 'string' && NAME.test(name) ? [name] : [];
  });
}

/** Keeps the list of interfaces from `start()` to `stop()`. */
export class Discovery {
  private timer: Cancel | undefined;
  private netifd: string[] = [];
  private known = '';
  private running = false;

  /** @param onChange gets the whole list, now and whenever it changes. */
  constructor(
    private readonly files: Files,
    private readonly clock: Clock,
    private readonly bus: NetifdBus,
    private options: DiscoveryOptions,
    private readonly log: Log,
    private readonly onChange: (interfaces: FoundInterface[]) => void,
  ) {}

  start(): void {
    this.running = true;
    this.tell();
    this.schedule();
  }

  stop(): void {
    this.running = false;
    this.timer?.();
    this.timer = undefined;
  }

  /** The configuration changed; what netifd said last still counts. */
  setOptions(options: DiscoveryOptions): void {
    this.options = options;
    if (!this.running) return;
    this.tell();
    this.schedule();
  }

  /** Asks netifd and looks at the sockets: after ubus came up, and when an interface changed. */
  async refresh(): Promise<void> {
    if (!this.options.discover || !this.running) return;
    try {
      const answers = await this.bus.call('network.interface', 'dump');
      this.netifd = answers.flatMap(yggdrasilInterfaces);
    } catch (error) {
      this.log.debug('netifd not asked', { error: errorText(error) });
    }
    if (this.running) this.tell();
  }

  private schedule(): void {
    this.timer?.();
    this.timer = undefined;
    if (!this.options.discover) return;
    this.timer = this.clock.after(RESCAN_MS, () => {
      this.schedule();
      void this.refresh();
    });
  }

  private tell(): void {
    const found = this.find();
    const text = JSON.stringify(found);
    if (text === this.known) return;
    this.known = text;
    const leftOut = found.slice(this.options.most).map((f) => f.name);
    if (leftOut.length > 0)
      this.log.warn('too many interfaces', { most: this.options.most, left_out: leftOut.join(',') });
    this.onChange(found.slice(0, this.options.most));
  }

  private find(): FoundInterface[] {
    const { configured, discover, socketDirectory } = this.options;
    const found: FoundInterface[] = configured.map(({ name, endpoint }) => ({ name, endpoint, foundBy: 'config' }));
    const add = (name: string, foundBy: FoundBy): void => {
      if (found.some((f) => f.name === name)) return;
      found.push({ name, endpoint: { path: `${socketDirectory}/${name}${SUFFIX}` }, foundBy });
    };
    if (discover) {
      for (const name of [...this.netifd].sort()) add(name, 'netifd');
      for (const name of this.socketNames()) add(name, 'socket');
    }
    return found;
  }

  private socketNames(): string[] {
    try {
      return this.files
        .list(this.options.socketDirectory)
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => name.slice(0, -SUFFIX.length))
        .filter((name) => NAME.test(name));
    } catch (error) {
      this.log.debug('sockets not listed', { error: errorText(error) });
      return [];
    }
  }
}
