// The way out: every frame for a client passes here, so that monitors see it and slow clients are noted.

import { readUint32 } from '../../ubus/blob.ts';
import { encodeMessage, type Message, MIN_FRAME, UBUS_MSG_MONITOR } from '../../ubus/message.ts';
import type { Client } from './client.ts';

/** All that the broker sends. */
export class Output {
  /** Clients that watch the bus, each with the number of the last frame it was shown. */
  private readonly monitors = new Map<Client, number>();
  private readonly slow = new Set<Client>();

  /** Encodes a message and queues it. @throws RangeError when it is longer than a frame may be. */
  send(to: Client, message: Message): void {
    this.forward(to, encodeMessage(message));
  }

  /** Queues a frame that is encoded already. */
  forward(to: Client, frame: Uint8Array): void {
    this.show(to, frame, true);
    this.queue(to, frame);
  }

  /** Clients that became slow since the last call. */
  takeSlow(): Client[] {
    const slow = [...this.slow];
    this.slow.clear();
    return slow;
  }

  addMonitor(client: Client): void {
    this.monitors.delete(client);
    this.monitors.set(client, 0);
  }

  removeMonitor(client: Client): void {
    this.monitors.delete(client);
  }

  /** Shows a frame that comes from or goes to `client` to those who watch. */
  show(client: Client, frame: Uint8Array, sent: boolean): void {
    for (const [monitor, last] of this.monitors) {
      const seq = (last + 1) & 0xffff;
      this.monitors.set(monitor, seq);
      const shown = monitorFrame(client, frame, sent, seq);
      if (shown) this.queue(monitor, shown);
    }
  }

  private queue(to: Client, frame: Uint8Array): void {
    to.send(frame);
    if (to.isSlow) this.slow.add(to);
  }
}

/** A MONITOR frame; `undefined` when the frame inside leaves no room for its head. */
function monitorFrame(client: Client, frame: Uint8Array, sent: boolean, seq: number): Uint8Array | undefined {
  try {
    return encodeMessage({
      type: UBUS_MSG_MONITOR,
      seq,
      peer: 0,
      attributes: {
        monitorClient: client.id,
        monitorPeer: readUint32(frame, 4),
        monitorSeq: (frame[2]! << 8) | frame[3]!,
        monitorType: frame[1]!,
        monitorSend: sent,
        data: frame.subarray(MIN_FRAME),
      },
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
