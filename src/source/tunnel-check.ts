// Looks whether a tunnel carries: connects, by way of it, to the gateway's end and to hosts in the Internet, and closes again.

import type { GatewayInfo, Terms } from '../api/lease.ts';
import { errorText } from '../errors.ts';
import type { CheckDepth, CheckResult } from '../mesh/home-act.ts';
import type { Clock, Streams } from '../transport/host.ts';

/** Where gateways name none: a public resolver of a foundation, which keeps no addresses. */
export const CHECK_HOSTS = ['9.9.9.9:443', '[2620:fe::fe]:443'];
const PROBE_MS = { least: 700, most: 2000 } as const;
/** Of a tunnel that is new. */
const PATIENCE_MS = 1500;
const ATTEMPTS = 3;
const EXIT_MS = 5000;

/** What is looked at. */
export interface TunnelChecked {
  readonly terms: Terms;
  /** Of the registrar: the gateway's end answers there, by taking or by refusing. */
  readonly port: number;
  /** As far as it is known. */
  readonly info: GatewayInfo | undefined;
  readonly latencyMs: number | undefined;
}

type Reached = 'open' | 'refused' | 'no';

/** A port, and the address of this machine that it is to be reached from. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly from: string;
}

/** Looks once, or with patience. Never rejects. */
export async function checkTunnel(
  streams: Pick<Streams, 'dial'>,
  clock: Pick<Clock, 'after'>,
  { terms, port, info, latencyMs = 0 }: TunnelChecked,
  depth: CheckDepth,
): Promise<CheckResult> {
  const { home4, home6, gateway4, gateway6 } = terms;
  const hosts = info && info.check.length > 0 ? info.check : CHECK_HOSTS;
  const reachFrom = async (host: string, at: number, from: string, timeoutMs: number): Promise<Reached> =>
    (await dial(streams, clock, { host, port: at, from }, timeoutMs)).reached;
  const outside = async (from: string | undefined, timeoutMs: number): Promise<Reached | undefined> => {
    const target = from && hosts.map(parseTarget).find(({ host }) => host.includes(':') === from.includes(':'));
    return target ? reachFrom(target.host, target.port, from, timeoutMs) : undefined;
  };
  // an autoygg has no address of its own in the tunnel
  const isOld = info?.software.startsWith('autoygg') === true;
  const inside = async (timeoutMs: number): Promise<boolean> => {
    if (isOld) return (await outside(home4, timeoutMs)) !== 'no';
    if (home6 !== undefined && gateway6 !== undefined)
      return (await reachFrom(gateway6, port, home6, timeoutMs)) !== 'no';
    if (home4 !== undefined && gateway4 !== undefined)
      return (await reachFrom(gateway4, port, home4, timeoutMs)) !== 'no';
    return false;
  };

  const timeoutMs = Math.max(PROBE_MS.least, Math.min(PROBE_MS.most, 3 * latencyMs));
  let carries = await inside(depth === 'probe' ? timeoutMs : PATIENCE_MS);
  for (let i = 1; !carries && depth !== 'probe' && i < ATTEMPTS; i++) carries = await inside(PATIENCE_MS);
  if (!carries) return { carries, problem: "the gateway's end of the tunnel does not answer" };
  if (depth !== 'exit') return { carries };
  const [four, six] = await Promise.all([outside(home4, EXIT_MS), outside(home6, EXIT_MS)]);
  return {
    carries,
    ...(four !== undefined && { ipv4: four === 'open' }),
    ...(six !== undefined && { ipv6: six === 'open' }),
    ...(four !== undefined && four !== 'open' && { problem: 'the Internet was not reached by IPv4' }),
  };
}

/** Of `address:port`, or `[address]:port`. */
export function parseTarget(text: string): { host: string; port: number } {
  const [, host = '', port] = /^(.*):(\d+)$/.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Connects, and closes again. Never rejects. @returns whether somebody is there, after how long, and why not. */
export function reach(
  streams: Pick<Streams, 'dial'>,
  clock: Pick<Clock, 'after' | 'monotonicMs'>,
  to: DialTarget,
  timeoutMs: number,
): Promise<{ readonly reached: Reached; readonly ms: number; readonly problem: string }> {
  const begunMs = clock.monotonicMs();
  return dial(streams, clock, to, timeoutMs).then((outcome) => ({ ...outcome, ms: clock.monotonicMs() - begunMs }));
}

function dial(
  streams: Pick<Streams, 'dial'>,
  clock: Pick<Clock, 'after'>,
  to: DialTarget,
  timeoutMs: number,
): Promise<{ readonly reached: Reached; readonly problem: string }> {
  return new Promise((resolve) => {
    const end = (reached: Reached, problem = ''): void => {
      cancel();
      stream.close();
      resolve({ reached, problem });
    };
    const cancel = clock.after(timeoutMs, () => end('no', `no answer after ${timeoutMs / 1000} s`));
    const stream = streams.dial(to, {
      onOpen: () => end('open'),
      onData() {},
      onClose: (error) => {
        const text = error ? errorText(error) : 'it ended the connection';
        // who refuses is there
        end(/refused/i.test(text) ? 'refused' : 'no', text);
      },
    });
  });
}
