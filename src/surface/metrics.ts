// What programs that watch a gateway (Prometheus) are told of it, in their text format, and on this machine alone: counts, and nothing of anybody.

import type { Exchange, HttpAnswer, ServerLimits } from '../http/server.ts';
import { SERVER_LIMITS } from '../http/server.ts';
import { encodeUtf8 } from '../lib/utf8.ts';

/** Path of the one page. */
export const METRICS_PATH = '/metrics';
const TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Names by which a program of this machine calls it. A page of the web that has a name of its own lead here says that name. */
const HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;
const CONNECTIONS = 8;

/** Limits of its server: requests have no body. */
export const METRICS_LIMITS: ServerLimits = {
  ...SERVER_LIMITS,
  headBytes: 4096,
  bodyBytes: 0,
  connections: CONNECTIONS,
  connectionsEach: CONNECTIONS,
};

/** What is counted of a gateway. What is `undefined` is not known now, and is left out. */
export interface GatewayCounts {
  readonly version: string;
  readonly uptimeS: number;
  readonly residentBytes: number | undefined;
  /** Homes, by ClientState. */
  readonly homes: Readonly<Record<string, number>>;
  readonly maxHomes: number;
  readonly maxWaiting: number;
  /** Whether it reaches the Internet, and whether it is about to stop. */
  readonly online: boolean;
  readonly draining: boolean;
  /** Of all homes since the daemon began to count, as homes see the direction. */
  readonly rxBytes: number;
  readonly txBytes: number;
  /** How busy its line is; `undefined`: nobody told how wide that is. */
  readonly linePercent: number | undefined;
  /** Requests that were answered with what was asked for, and those that were not, by why; since the daemon began. */
  readonly answered: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly connections: number;
  /** Questions that are held open until something changes. */
  readonly held: number;
  /** Packets that were not of whom they said they are of, since the rules were made. */
  readonly spoofed: number | undefined;
  /** Of its Yggdrasil. */
  readonly sessions: number | undefined;
  readonly peersUp: number | undefined;
  /** Reports of captains that wait for the operator. */
  readonly reportsOpen: number;
  /** The log of what operators did does not fit together. */
  readonly isLogBroken: boolean;
}

type Value = number | boolean | undefined;
type Samples = Value | readonly (readonly [label: string, value: Value])[];

/** Answers one request. */
export function answerMetrics({ request, answer }: Exchange, read: () => GatewayCounts): void {
  answer(pageOf(request, read));
}

function pageOf({ method, path, fields }: Exchange['request'], read: () => GatewayCounts): HttpAnswer {
  if (fields.has('origin') || !HOST.test(fields.get('host') ?? '')) return said(403, 'only programs of this machine');
  if (path !== METRICS_PATH) return said(404, `expected ${METRICS_PATH}`);
  if (method !== 'GET') return said(405, 'expected GET');
  return { status: 200, fields: { 'Content-Type': TYPE }, body: encodeUtf8(formatMetrics(read())) };
}

/** What Prometheus reads. Source: its text format 0.0.4. */
export function formatMetrics(counts: GatewayCounts): string {
  const text: string[] = [];
  const add = (name: string, type: 'gauge' | 'counter', help: string, samples: Samples): void => {
    const all = Array.isArray(samples) ? samples : [['', samples as Value] as const];
    const known = all.filter(([, value]) => value !== undefined);
    if (known.length === 0) return;
    const full = name.startsWith('process_') ? name : `meshbridge_${name}`;
    text.push(`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`);
    for (const [label, value] of known) text.push(`${full}${label} ${Number(value)}`);
  };
  const by = (label: string, values: Iterable<readonly [string, Value]>): [string, Value][] =>
    [...values].map(([name, value]) => [`{${label}="${name}"}`, value]);
  add('build_info', 'gauge', 'Always 1; which version it is.', by('version', [[counts.version, 1]]));
  add('uptime_seconds', 'gauge', 'Since the gateway began.', counts.uptimeS);
  add('process_resident_memory_bytes', 'gauge', 'Resident memory of the daemon.', counts.residentBytes);
  add(
    'homes',
    'gauge',
    'Homes that this gateway knows, by how it is with them.',
    by('state', Object.entries(counts.homes)),
  );
  add('homes_max', 'gauge', 'Homes that may hold a lease at the same time.', counts.maxHomes);
  add('waiting_max', 'gauge', 'Homes that may wait for the operator.', counts.maxWaiting);
  add('online', 'gauge', 'Whether this machine reaches the Internet.', counts.online);
  add('draining', 'gauge', 'Whether homes were told that it is about to stop.', counts.draining);
  add(
    'home_bytes_total',
    'counter',
    'Bytes of all homes, as they see the direction.',
    by('direction', [
      ['rx', counts.rxBytes],
      ['tx', counts.txBytes],
    ]),
  );
  add('line_percent', 'gauge', 'How busy its line is.', counts.linePercent);
  add('requests_answered_total', 'counter', 'Requests that got what they asked for.', counts.answered);
  add('requests_refused_total', 'counter', 'Requests that did not, by why.', by('why', counts.refused));
  add('connections', 'gauge', 'Connections of homes to the registrar.', counts.connections);
  add('questions_held', 'gauge', 'Questions that are held open until something changes.', counts.held);
  add(
    'spoofed_packets_total',
    'counter',
    'Packets that were dropped, for they were not of whom they said.',
    counts.spoofed,
  );
  add('yggdrasil_sessions', 'gauge', 'Sessions of its Yggdrasil with other nodes.', counts.sessions);
  add('yggdrasil_peers_up', 'gauge', 'Peers of its Yggdrasil that are up.', counts.peersUp);
  add('reports_open', 'gauge', 'Reports of captains that wait for the operator.', counts.reportsOpen);
  add('log_broken', 'gauge', 'Whether the log of what operators did was changed or lost.', counts.isLogBroken);
  return `${text.join('\n')}\n`;
}

function said(status: number, reason: string): HttpAnswer {
  return { status, fields: { 'Content-Type': 'text/plain; charset=utf-8' }, body: encodeUtf8(`${reason}\n`) };
}
