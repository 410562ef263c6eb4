import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Exchange, HttpAnswer } from '../../src/http/server.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { answerMetrics, formatMetrics, type GatewayCounts } from '../../src/surface/metrics.ts';

const COUNTS: GatewayCounts = {
  version: '0.1.0',
  uptimeS: 90,
  residentBytes: 6_291_456,
  homes: { waiting: 2, active: 1000, suspended: 3, refused: 0 },
  maxHomes: 1000,
  maxWaiting: 50,
  online: true,
  draining: false,
  rxBytes: 2 ** 43,
  txBytes: 5,
  linePercent: undefined,
  answered: 12,
  refused: new Map([
    ['suspended', 3],
    ['too_often', 1],
  ]),
  connections: 4,
  held: 3,
  spoofed: 0,
  sessions: undefined,
  peersUp: 2,
  reportsOpen: 1,
  isLogBroken: false,
};

function ask(path: string, more: { method?: string; fields?: Record<string, string> } = {}): [number, string] {
  const { method = 'GET', fields = {} } = more;
  let said: HttpAnswer | undefined;
  const request: Exchange['request'] = {
    ...{ method, path, query: '', body: new Uint8Array(), keepAlive: true },
    fields: new Map(Object.entries({ host: '127.0.0.1:9100', ...fields })),
  };
  const exchange: Exchange = {
    request,
    from: '127.0.0.1',
    answer: (answer) => {
      said = answer;
    },
  };
  answerMetrics(exchange, () => COUNTS);
  return [said!.status, decodeUtf8(said!.body!)];
}

/** Samples by name and labels, as a reader of the format has them. @throws where it is none */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  let family = '';
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name] = /^# (HELP|TYPE) (meshbridge_\w+|process_\w+) \S/.exec(line) ?? [];
    if (kind === 'HELP') family = name!;
    else if (kind === 'TYPE') assert.ok(line === `# TYPE ${family} gauge` || line === `# TYPE ${family} counter`, line);
    else {
      const [, full, labels = '', value] = /^([a-z_]+)(\{[a-z]+="[\w.]+"\})? (\d+)$/.exec(line) ?? [];
      assert.is(full, family, `~> ${line}`);
      assert.not.ok(samples.has(full + labels), `~> twice: ${line}`);
      samples.set(full! + labels, Number(value));
    }
  }
  return samples;
}

const metrics = suite('metrics of a gateway');
metrics('are what Prometheus reads, each once', () => {
  const samples = parse(formatMetrics(COUNTS));
  for (const [name, value] of [
    ['meshbridge_build_info{version="0.1.0"}', 1],
    ['meshbridge_homes{state="active"}', 1000],
    ['meshbridge_homes{state="refused"}', 0],
    ['meshbridge_home_bytes_total{direction="rx"}', 2 ** 43],
    ['meshbridge_requests_refused_total{why="too_often"}', 1],
    ['meshbridge_online', 1],
    ['meshbridge_draining', 0],
    ['meshbridge_spoofed_packets_total', 0],
    ['process_resident_memory_bytes', 6_291_456],
  ] as const)
    assert.is(samples.get(name), value, name);
});
metrics('leave out what is not known, and say zero where it is zero', () => {
  const text = formatMetrics({ ...COUNTS, refused: new Map(), spoofed: undefined });
  for (const name of ['line_percent', 'yggdrasil_sessions', 'spoofed', 'requests_refused'])
    assert.not.match(text, name);
  assert.match(text, 'meshbridge_yggdrasil_peers_up 2\n');
});
metrics('call everything that rises a counter, and nothing else', () => {
  for (const [, name, type] of formatMetrics(COUNTS).matchAll(/^# TYPE (\w+) (\w+)$/gm))
    assert.is(type === 'counter', name!.endsWith('_total'), name);
});
metrics('are given to programs of this machine', () => {
  for (const host of ['127.0.0.1:9100', 'localhost', 'LocalHost:9100', '[::1]:9100'])
    assert.is(ask('/metrics', { fields: { host } })[0], 200, host);
});
metrics('are not given to pages that have a name of their own lead here', () => {
  const hosts = ['evil.example:9100', '127.0.0.1.evil.example', 'localhost.', '127.0.0.1:9100:1', ''];
  for (const host of hosts) assert.is(ask('/metrics', { fields: { host } })[0], 403, host);
  assert.is(ask('/metrics', { fields: { origin: 'http://127.0.0.1:9100' } })[0], 403);
});
metrics('are the only page there', () => {
  assert.equal(ask('/'), [404, 'expected /metrics\n']);
  assert.equal(ask('/metrics', { method: 'POST' }), [405, 'expected GET\n']);
});
metrics.run();
