// Checks of what strangers of the mesh may not do: with the registrar, and with the tunnel that they have.

import type { GatewayInfo, Grant, Refusal, Terms } from '../../../src/api/lease.ts';
import { deviceCommands, vxlanMac } from '../../../src/plane/device.ts';
import { ECHO_PORT, INTERNET, LAN, SINK_PORT } from './address.ts';
import type { GetOptions, GetResult } from './ask.ts';
import { MESH_DEVICE } from './mesh-node.ts';
import { expect, type LabReport, ms } from './report.ts';
import { patient, sleep } from './until.ts';
import type { World } from './world.ts';

const REGISTRAR_PORT = 8080;
const FLOOD = 1000;
const LORISES = 300;
const BODY_BYTES = 10_000;
const DATAGRAMS = 50;
/** One address may ask ten times at once, then once a second. */
const BREATH_MS = 1100;
const TUNNEL = 'theirs';
const TOO_MANY = 429;

/** The stranger, and what it knows. */
export class Attack {
  private terms: Terms | undefined;
  private wireguardKey: string | undefined;

  constructor(
    private readonly world: World,
    private readonly report: LabReport,
  ) {}

  /** The victim's lease, as it is now. */
  private async victim(): Promise<Terms> {
    const { terms } = (await this.world.home.call('meshbridge.lease', 'status')) as { terms?: Terms };
    expect(terms !== undefined, 'the home has no lease');
    return terms;
  }

  private async ask(options: Omit<GetOptions, 'host'>): Promise<GetResult & { answer: Partial<Grant & Refusal> }> {
    const host = this.world.gateway('g1').node.address;
    const request = {
      port: REGISTRAR_PORT,
      timeoutMs: patient(5000),
      host,
      from: this.world.strangerNode.address,
      ...options,
    };
    let got = await this.world.strangerHands.do('get', request);
    for (; got.status === TOO_MANY; got = await this.world.strangerHands.do('get', request)) await sleep(BREATH_MS);
    let answer: Partial<Grant & Refusal> = {};
    try {
      answer = JSON.parse(got.body) as typeof answer;
    } catch {
      // no JSON: whoever expects some says so
    }
    return { ...got, answer };
  }

  private put(key: string, more: Omit<GetOptions, 'host'> = {}): ReturnType<Attack['ask']> {
    const { kind } = this.world.options;
    const request = {
      key,
      kinds: [kind],
      mesh_mtu: 65_535,
      software: 'a stranger',
      ...(this.wireguardKey && { wireguard_key: this.wireguardKey }),
    };
    return this.ask({ method: 'PUT', path: '/v1/lease', body: JSON.stringify(request), ...more });
  }

  async run(): Promise<void> {
    await this.registrations();
    await this.packets();
    await this.floods();
    await this.report.check('the home has the lease that it had', async () => {
      const { home4, kind } = await this.victim();
      return `${home4} by ${kind}`;
    });
  }

  private async registrations(): Promise<void> {
    const { world, report } = this;
    const { key, address } = world.strangerNode;
    if (world.options.kind === 'wireguard') {
      const place = world.place('stranger');
      const secret = (await place.must(['wg', 'genkey'])).trim();
      await place.must(['sh', '-c', `umask 77; cat >'${place.directory}/wg.key'`], secret);
      this.wireguardKey = (await place.must(['wg', 'pubkey'], `${secret}\n`)).trim();
    }
    await report.check("another's key is refused", async () => {
      const { status, answer } = await this.put(world.homeNode.key);
      expect(status === 403 && answer.error === 'other_key', `got ${status} ${answer.error}`);
      return `${status} ${answer.error}`;
    });
    await report.check('fields of a request say nothing about who asks', async () => {
      const victim = world.homeNode.address;
      const headers = { 'x-forwarded-for': victim, forwarded: `for="[${victim}]"`, 'x-real-ip': victim, host: victim };
      const { status, answer } = await this.ask({ path: '/v1/lease', headers });
      expect(status === 404 && answer.error === 'no_lease', `got ${status} ${answer.error}`);
      return `${status} ${answer.error}, though the victim has a lease`;
    });
    await report.check('a host of a LAN (03…) is refused', async () => {
      const from = `3${address.slice(1).split(':').slice(0, 4).join(':')}::1`;
      await world.place('stranger').ip([`addr add ${from}/128 dev ${MESH_DEVICE} nodad`]);
      const { status, answer, error } = await this.put(key, { from });
      await world.place('stranger').ip([`addr del ${from}/128 dev ${MESH_DEVICE}`]);
      expect(status === 403 && answer.error === 'not_a_node', `got ${status} ${answer.error ?? error}`);
      return `${status} ${answer.error} for ${from}`;
    });
    await report.check('{"ID":1} changes nothing', async () => {
      const bodies = ['{"ID":1}', `{"ID":1,"PublicKey":"${world.homeNode.key}","YggIP":"${world.homeNode.address}"}`];
      const statuses: string[] = [];
      for (const path of ['/register', '/renew', '/release'])
        for (const body of bodies) {
          const { status } = await this.ask({ method: 'POST', path, body });
          expect(status >= 400 && status < 500, `${path} ${body}: got ${status}`);
          statuses.push(`${status}`);
        }
      return statuses.join(' ');
    });
    await report.check(`bodies of ${BODY_BYTES} bytes are refused`, async () => {
      const { status, error } = await this.put(key, { body: JSON.stringify({ key, name: 'x'.repeat(BODY_BYTES) }) });
      expect(status === 413 || status === 400, `got ${status} ${error}`);
      return String(status);
    });
    await report.check('who asks as a node gets a lease of its own', async () => {
      const { status, answer } = await this.put(key);
      expect(status === 200 && answer.terms !== undefined, `got ${status} ${answer.error}: ${answer.reason}`);
      this.terms = answer.terms;
      expect(answer.terms.home4 !== (await this.victim()).home4, 'two homes have one address');
      return `${answer.terms.home4} and ${answer.terms.home6}`;
    });
  }

  /** Sends datagrams to the sink. @returns how many of them came. */
  private async sink(send: () => Promise<{ sent: number; problem?: string }>): Promise<{ sent: number; came: number }> {
    const { world } = this;
    await world.net.do('seen');
    const { sent, problem } = await send();
    expect(sent > 0, `nothing could be sent: ${problem}`);
    await sleep(patient(300));
    const { sink } = await world.net.do('seen');
    return { sent, came: Object.values(sink).reduce((sum, count) => sum + count, 0) };
  }

  private async packets(): Promise<void> {
    const { world, report, terms } = this;
    if (!terms) return;
    const victim = await this.victim().catch(() => undefined);
    const datagrams = Array.from({ length: DATAGRAMS }, () => Buffer.from('forged').toString('base64'));
    const from =
      (address: string): (() => Promise<{ sent: number; problem?: string }>) =>
      () =>
        world.strangerHands.do('sendDatagrams', {
          host: address.includes(':') ? INTERNET.web6 : INTERNET.web4,
          port: SINK_PORT,
          from: address,
          datagrams,
        });
    await report.check('own packets by the own tunnel pass, those of others do not', async () => {
      await this.dig(terms);
      const forged = [victim?.home4, victim?.home6, LAN.host4, LAN.host6].filter((one) => one !== undefined);
      await world
        .place('stranger')
        .ip(
          forged.map(
            (address) =>
              `addr add ${address}/${address.includes(':') ? '128' : '32'} dev lo${address.includes(':') ? ' nodad' : ''}`,
          ),
        );
      const said: string[] = [];
      for (const own of [terms.home4!, terms.home6!]) {
        const { sent, came } = await this.sink(from(own));
        expect(came >= 0.9 * sent, `${came} of ${sent} own packets of ${own} came`);
        said.push(`${own} ${came}/${sent}`);
      }
      for (const address of forged) {
        const { sent, came } = await this.sink(from(address));
        expect(came === 0, `${came} of ${sent} packets in the name of ${address} came`);
        said.push(`${address} 0/${sent}`);
      }
      return said.join(', ');
    });
    if (victim?.kind !== 'vxlan') return;
    await report.check("a VXLAN packet with the victim's number", async () => {
      const packet = vxlanPacket(victim);
      const { sent, came } = await this.sink(() =>
        world.strangerHands.do('sendDatagrams', {
          host: victim.outer,
          port: victim.port!,
          datagrams: Array.from({ length: DATAGRAMS }, () => packet),
        }),
      );
      expect(came === 0, `${came} of ${sent} came`);
      return `0 of ${sent} came`;
    });
  }

  /** Makes the stranger's end of its tunnel. */
  private async dig(terms: Terms): Promise<void> {
    const { world } = this;
    const place = world.place('stranger');
    const { kind, home4, home6, gateway4, gateway6, outer, mtu, vni, port } = terms;
    const [addresses, neighbours] = [
      [home4!, home6!],
      [gateway4!, gateway6!],
    ];
    await place.ip(
      deviceCommands(
        {
          ...{
            name: TUNNEL,
            kind,
            end: 'home',
            local: world.strangerNode.address,
            remote: outer,
            mtu,
            addresses,
            neighbours,
          },
          ...(vni !== undefined && { vni }),
          ...(port !== undefined && { port }),
        },
        undefined,
        [],
      ),
    );
    if (kind === 'wireguard')
      await place.must([
        ...['wg', 'set', TUNNEL, 'private-key', `${place.directory}/wg.key`, 'peer', terms.wireguard_key!],
        ...['endpoint', `[${outer}]:${port}`, 'allowed-ips', '0.0.0.0/0,::/0'],
      ]);
    const via = kind === 'vxlan';
    await place.ip([
      `route add ${INTERNET.web4}/32 ${via ? `via ${gateway4} ` : ''}dev ${TUNNEL}${via ? ' onlink' : ''}`,
      `route add ${INTERNET.web6}/128 ${via ? `via ${gateway6} ` : ''}dev ${TUNNEL}${via ? ' onlink' : ''}`,
    ]);
  }

  private async floods(): Promise<void> {
    const { world, report } = this;
    const host = world.gateway('g1').node.address;
    /** Whether another node is served meanwhile, and a flow goes on. */
    const unaffected = async (attack: () => Promise<string>): Promise<string> => {
      await world.host.do('open', { name: 'echo', host: INTERNET.web4, port: ECHO_PORT });
      const running = attack();
      await sleep(500);
      const asked: number[] = [];
      for (let i = 0; i < 5; i++) {
        const {
          status,
          body,
          error,
          ms: tookMs,
        } = await world.homeHands.do('get', { host, port: REGISTRAR_PORT, path: '/v1/info', timeoutMs: patient(3000) });
        expect(
          status === 200 && (JSON.parse(body) as GatewayInfo).protocol === 1,
          `meanwhile the home got ${status} ${error}`,
        );
        asked.push(tookMs);
        await sleep(300);
      }
      const said = await running;
      const [flow] = await world.host.do('flows');
      await world.host.do('hangUp');
      expect(
        flow?.ended === undefined && flow!.gapMs < patient(1500),
        `a flow of the home: ${flow?.ended ?? ms(flow!.gapMs)}`,
      );
      return `${said}; meanwhile the home was answered in ${ms(Math.max(...asked))}, its flow stood still for ${ms(flow!.gapMs)} at most`;
    };
    const body = JSON.stringify({
      key: world.strangerNode.key,
      kinds: [world.options.kind],
      mesh_mtu: 65_535,
      software: 'flood',
    });
    const text = `PUT /v1/lease HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await report.check(`${FLOOD} registrations at once`, () =>
      unaffected(async () => {
        const { answers, ms: tookMs } = await world.strangerHands.do('dialMany', {
          host,
          port: REGISTRAR_PORT,
          text,
          count: FLOOD,
          atOnce: 50,
          timeoutMs: patient(10_000),
        });
        expect((answers['200'] ?? 0) < FLOOD / 10, `so many were taken: ${JSON.stringify(answers)}`);
        return `${JSON.stringify(answers)} in ${ms(tookMs)}`;
      }),
    );
    await report.check(`${LORISES} connections that say a byte a second`, () =>
      unaffected(async () => {
        const slow = {
          host,
          port: REGISTRAR_PORT,
          text,
          count: LORISES,
          atOnce: LORISES,
          dripMs: 1000,
          timeoutMs: patient(12_000),
        };
        const { answers } = await world.strangerHands.do('dialMany', slow);
        expect((answers.timeout ?? 0) === 0, `still open after 12 s: ${answers.timeout}`);
        return JSON.stringify(answers);
      }),
    );
  }
}

/** What the victim would send to the sink, as it lies in VXLAN's datagram, base64. */
function vxlanPacket({ vni, home4 }: Terms): string {
  const mac = (end: 'home' | 'gateway'): number[] =>
    vxlanMac(end, vni!)
      .split(':')
      .map((part) => Number.parseInt(part, 16));
  const ip = (text: string): number[] => text.split('.').map(Number);
  const payload = [...Buffer.from('forged')];
  const udp = [0x30, 0x39, 0, SINK_PORT, 0, 8 + payload.length, 0, 0, ...payload];
  const length = 20 + udp.length;
  const head = [0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0, ...ip(home4!), ...ip(INTERNET.web4)];
  let sum = 0;
  for (let i = 0; i < head.length; i += 2) sum += (head[i]! << 8) | head[i + 1]!;
  sum = (sum & 0xffff) + (sum >> 16);
  const check = ~(sum + (sum >> 16)) & 0xffff;
  head[10] = check >> 8;
  head[11] = check & 255;
  const header = [8, 0, 0, 0, vni! >> 16, (vni! >> 8) & 255, vni! & 255, 0];
  return Buffer.from([...header, ...mac('gateway'), ...mac('home'), 8, 0, ...head, ...udp]).toString('base64');
}
