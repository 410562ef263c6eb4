// Watches the daemon through ubus as any program would: asks for peers and status, and hears what happens.

import type { InterfaceStatus, LinkStatus, Peer } from '../api/model.ts';
import { PEER_EVENTS } from '../api/objects.ts';
import { errorText } from '../errors.ts';
import type { Cancel, Clock } from '../transport/host.ts';

/** The part of the ubus client that is needed here. */
export interface WatchBus {
  /** Resolves with everything that the method answered; rejects with the reason. */
  call(path: string, method: string, args?: Record<string, string>): Promise<Record<string, unknown>[]>;
  /** Hears an object's notifications for as long as the bus lives, through restarts of either side. */
  subscribe(path: string, onNotify: (type: string, data: Record<string, unknown>) => void): void;
}

/** The daemon's answer to `meshbridge status`. */
export interface DaemonStatus {
  version: string;
  uptime_s: number;
  links: readonly LinkStatus[];
  interfaces: readonly InterfaceStatus[];
}

/** What is known of one interface: its peers, or why there are none. */
export type InterfaceView = { peers: readonly Peer[] } | { problem: string };

export interface WatchEvents {
  /** New answers came. */
  onChange(): void;
  /** A notification; `text` is for people. */
  onNotice(text: string, type: string, data: Record<string, unknown>): void;
}

const POLL_MS = 1000;
/** While the daemon does not answer. */
const IMPATIENT_POLL_MS = 200;

/** One line for people from a notification; what is not understood is shown by its name. */
export function noticeText(type: string, data: Record<string, unknown>): string {
  const words = type.replaceAll('_', ' ');
  if (type in PEER_EVENTS) {
    const peer = (data.peer ?? {}) as Partial<Peer>;
    const who = [peer.name, peer.remote ?? peer.address].filter(Boolean).join(' ');
    const error = peer.last_error && !peer.up ? `: ${peer.last_error}` : '';
    return `${data.interface ?? '?'}: ${words} ${who}${error}`;
  }
  if (type === 'verdict') return `${data.interface || 'daemon'}: verdict ${data.id ?? '?'}`;
  const error = data.last_error ? `: ${data.last_error}` : '';
  return `daemon: ${words} ${data.name ?? ''}${error}`;
}

/** Keeps the newest answers from `start()` to `stop()`. */
export class Watch {
  status: DaemonStatus | undefined;
  readonly interfaces = new Map<string, InterfaceView>();
  private timer: Cancel | undefined;
  private polling = false;
  private again = false;
  private running = false;

  /** @param names the interfaces to ask for. */
  constructor(
    private readonly bus: WatchBus,
    private readonly clock: Clock,
    private readonly names: readonly string[],
    private readonly events: WatchEvents,
  ) {}

  start(): void {
    this.running = true;
    for (const path of ['yggdrasil', 'meshbridge'])
      this.bus.subscribe(path, (type, data) => {
        if (!this.running) return;
        this.events.onNotice(noticeText(type, data), type, data);
        void this.poll();
      });
    void this.poll();
  }

  stop(): void {
    this.running = false;
    this.timer?.();
  }

  /** Asks for everything, once at a time; called meanwhile, once more. */
  private async poll(): Promise<void> {
    if (this.polling) {
      this.again = true;
      return;
    }
    this.polling = true;
    this.timer?.();
    do {
      this.again = false;
      await Promise.all([this.askStatus(), ...this.names.map((name) => this.askPeers(name))]);
      if (this.running) this.events.onChange();
    } while (this.again && this.running);
    this.polling = false;
    if (this.running) this.timer = this.clock.after(this.status ? POLL_MS : IMPATIENT_POLL_MS, () => void this.poll());
  }

  private async askStatus(): Promise<void> {
    try {
      const answers = await this.bus.call('meshbridge', 'status');
      this.status = answers[0] as unknown as DaemonStatus;
    } catch {
      this.status = undefined;
    }
  }

  private async askPeers(name: string): Promise<void> {
    try {
      const answers = await this.bus.call('yggdrasil', 'peers', { interface: name });
      const peers = answers[0]?.peers;
      this.interfaces.set(name, Array.isArray(peers) ? { peers } : { problem: 'an answer without peers' });
    } catch (error) {
      // before its first answer the daemon is merely starting
      if (this.interfaces.has(name)) this.interfaces.set(name, { problem: errorText(error) });
    }
  }
}
