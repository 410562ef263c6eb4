// Connections through TLS as a test asks for them, over any host, and what became of them.

import { decodeUtf8 } from '../../src/lib/utf8.ts';
import type { Endpoint, Host, Stream } from '../../src/transport/host.ts';

export interface Dial {
  to: Endpoint;
  /** Bytes of `pattern` to send, and to wait for; then it is closed from here. Without them: when the other side closes it. */
  sends?: number;
  expects?: number;
  /** Reading pauses after each chunk. */
  isSlow?: boolean;
  /** Whether the clock is known to be right; absent: nobody says. */
  isClockRight?: boolean;
}

export interface Outcome {
  opened: boolean;
  /** Bytes that came, all of them those of `pattern`. */
  received: number;
  /** Absent: it was closed in order, or from here. */
  error?: string;
}

/** What is sent both ways: the byte at a position. */
export function pattern(at: number): number {
  return (at * 7 + (at >> 10)) & 255;
}

/** `length` bytes of `pattern` from a position. */
export function patternBytes(at: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => pattern(at + i));
}

const BLOCK = 32_768;
/** Far beyond what anything takes that ends, in an emulator on a busy machine too. */
const PATIENCE_MS = 60_000;

/** With what JSON cannot tell. */
function endpointOf({ to, isClockRight }: Dial): Endpoint {
  if ('path' in to || !to.tls || isClockRight === undefined) return to;
  return { ...to, tls: { ...to.tls, isClockRight: () => isClockRight } };
}

function dial({ streams, clock }: Host, one: Dial): Promise<Outcome> {
  const { sends = 0, expects, isSlow = false } = one;
  return new Promise((resolve) => {
    const outcome: Outcome = { opened: false, received: 0 };
    const cancel = clock.after(PATIENCE_MS, () => {
      stream?.close();
      resolve({ ...outcome, error: `no end after ${PATIENCE_MS} ms` });
    });
    const end = (): void => {
      cancel();
      resolve(outcome);
    };
    let sent = 0;
    let stream: Stream | undefined;
    const send = (): void => {
      for (let room = true; room && sent < sends; ) {
        const bytes = patternBytes(sent, Math.min(BLOCK, sends - sent));
        sent += bytes.length;
        room = stream!.write(bytes);
      }
      finish();
    };
    const finish = (): void => {
      if (expects === undefined || outcome.received < expects || sent < sends || stream!.queuedBytes > 0) return;
      stream!.close();
      end();
    };
    stream = streams.dial(endpointOf(one), {
      onOpen() {
        outcome.opened = true;
        send();
      },
      onData(bytes) {
        for (const byte of bytes)
          if (byte !== pattern(outcome.received++)) throw new Error(`wrong byte at ${outcome.received - 1}`);
        if (isSlow) {
          stream!.setReading(false);
          clock.after(1, () => stream!.setReading(true));
        }
        finish();
      },
      onDrain: send,
      onClose(error) {
        if (error) outcome.error = error.message;
        end();
      },
    });
  });
}

/** What came of all of them, one after the other, and what the second half of them used up for good. */
export interface Report {
  outcomes: Outcome[];
  descriptors: number;
  /** Kilobytes of resident memory. */
  memoryKb: number;
}

/** Makes all the connections, one after the other. */
export async function dialAll(host: Host, dials: readonly Dial[]): Promise<Report> {
  const descriptors = (): number => host.files.list('/proc/self/fd').length;
  const memoryKb = (): number => {
    const status = decodeUtf8(host.files.read('/proc/self/status', 10_000)!);
    return Number(/^VmRSS:\s*(\d+)/m.exec(status)![1]);
  };
  const outcomes: Outcome[] = [];
  let before = { descriptors: 0, memoryKb: 0 };
  for (const [i, one] of dials.entries()) {
    if (i === dials.length >> 1) before = { descriptors: descriptors(), memoryKb: memoryKb() };
    outcomes.push(await dial(host, one));
  }
  return {
    outcomes,
    descriptors: descriptors() - before.descriptors,
    memoryKb: memoryKb() - before.memoryKb,
  };
}
