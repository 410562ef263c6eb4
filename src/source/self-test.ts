// Tests a home's way to the Internet step by step, and shows how far it is; one test at a time.
//
// All that goes through the tunnel is dialled from the inner address: the router's own packets would leave by the line otherwise.

import { type GatewayInfo, SPEED_BLOCK, type Terms } from '../api/lease.ts';
import type { TestStatus } from '../api/lease-object.ts';
import type { Values } from '../api/model.ts';
import { errorText, InputError, RemoteError } from '../errors.ts';
import type { GatewayName } from '../mesh/gateway.ts';
import { describeStep, newSteps, type SkipReason, type TestStep, type TestStepName } from '../mesh/self-test.ts';
import type { Clock, Streams } from '../transport/host.ts';
import { askName } from './name-question.ts';
import { measureSpeed } from './speed.ts';
import { CHECK_HOSTS, type DialTarget, parseTarget, reach } from './tunnel-check.ts';

/** What is tested. */
export interface SelfTested {
  readonly gateway: GatewayName;
  /** Absent: there is no tunnel. */
  readonly terms?: Terms | undefined;
  /** Asks the gateway what it is, by its address in the mesh. */
  inform(): Promise<{ readonly info?: GatewayInfo; readonly latencyMs: number }>;
}

/** The domain that IANA keeps for examples; it has addresses of both kinds. */
const NAME = 'example.org';
const TUNNEL_MS = 3000;
const ATTEMPTS = 3;
const EXIT_MS = 5000;
const DNS_MS = 5000;
/** Of each direction: 16 MB, or five seconds. */
const AMOUNT = { blocks: 256, forMs: 5000 } as const;

/** The test of one home. */
export class SelfTest {
  private steps: TestStep[] = [];
  private gateway: string | undefined;
  private begunMs = 0;
  private running = false;

  /** @param amount of each direction: blocks, and milliseconds. */
  constructor(
    private readonly streams: Pick<Streams, 'dial'>,
    private readonly clock: Clock,
    private readonly amount: { readonly blocks: number; readonly forMs: number } = AMOUNT,
  ) {}

  /** Begins a test. @throws InputError when one is under way. */
  start(tested: SelfTested): void {
    if (this.running) throw new InputError('a test is under way already: wait until it is over');
    this.running = true;
    this.begunMs = this.clock.monotonicMs();
    this.gateway = tested.gateway.name;
    this.steps = newSteps();
    void this.run(tested).finally(() => {
      this.running = false;
    });
  }

  /** How far it is, and what the last one found. */
  status(): TestStatus {
    const { running, gateway, steps } = this;
    return {
      running,
      ...(gateway !== undefined && {
        gateway,
        begun_ago_s: Math.floor((this.clock.monotonicMs() - this.begunMs) / 1000),
      }),
      steps: steps.map(describeStep),
    };
  }

  private async run(tested: SelfTested): Promise<void> {
    const { gateway, terms } = tested;
    let info: GatewayInfo | undefined;
    await this.step('gateway', async () => {
      const values = { gateway: gateway.name, address: gateway.address };
      try {
        const heard = await tested.inform();
        info = heard.info;
        return { ...values, ms: Math.round(heard.latencyMs) };
      } catch (error) {
        throw new Fault({ ...values, problem: errorText(error) });
      }
    });
    if (!terms) return this.skip('no_tunnel');
    const hosts = info && info.check.length > 0 ? info.check : CHECK_HOSTS;
    const target = (v6: boolean): { host: string; port: number } | undefined =>
      hosts.map(parseTarget).find(({ host }) => host.includes(':') === v6);
    // an autoygg has no address of its own in the tunnel
    const isOld = info?.software.startsWith('autoygg') === true;
    const inner = isOld ? undefined : innerOf(terms, gateway.port);
    const asked = inner ?? outsideOf(terms, target(false));
    const carries = await this.step('tunnel', () => this.tunnel(terms, asked));
    if (!carries) return this.skip('broken');
    await this.exit('exit4', terms.home4, target(false));
    await this.exit('exit6', terms.home6, target(true));
    await this.dns(terms);
    await this.sizes(terms, inner);
  }

  private async tunnel({ kind }: Terms, to: DialTarget | undefined): Promise<Values> {
    for (let i = 0; to && i < ATTEMPTS; i++) {
      const { reached, ms } = await reach(this.streams, this.clock, to, TUNNEL_MS);
      if (reached !== 'no') return { kind, ms };
    }
    throw new Fault({ kind, address: to?.from ?? '' });
  }

  private async exit(
    name: 'exit4' | 'exit6',
    from: string | undefined,
    to: { host: string; port: number } | undefined,
  ) {
    if (from === undefined) return this.leave(name, 'no_address');
    if (!to) return this.leave(name, 'no_host');
    await this.step(name, async () => {
      const { reached, ms, problem } = await reach(this.streams, this.clock, { ...to, from }, EXIT_MS);
      const values = { host: to.host, address: from, ms };
      if (reached !== 'open') throw new Fault({ ...values, problem });
      return values;
    });
  }

  private async dns({ dns, home4, home6 }: Terms): Promise<void> {
    const servers = dns.map((server) => ({ server, from: server.includes(':') ? home6 : home4 }));
    const one = servers.find(({ from }) => from !== undefined);
    if (!one) return this.leave('dns', 'no_server');
    const { server, from } = one;
    await this.step('dns', async () => {
      const begunMs = this.clock.monotonicMs();
      const values = { server, name: NAME };
      try {
        await askName(this.streams, this.clock, { host: server, port: 53, from: from! }, NAME, DNS_MS);
      } catch (error) {
        throw new Fault({ ...values, problem: errorText(error) });
      }
      return { ...values, ms: this.clock.monotonicMs() - begunMs };
    });
  }

  /** Of packets, and of speeds: both by blocks of bytes from and to the gateway. */
  private async sizes({ mtu }: Terms, to: DialTarget | undefined): Promise<void> {
    if (!to) return this.skip('no_speed', { problem: 'its end of the tunnel has no address' });
    const { streams, clock } = this;
    let refused: string | undefined;
    const isWhole = await this.step('mtu', async () => {
      for (const direction of ['down', 'up'] as const)
        try {
          const { bytes } = await measureSpeed(streams, clock, {
            to,
            direction,
            blocks: 1,
            forMs: 2 * this.amount.forMs,
          });
          if (bytes < SPEED_BLOCK) throw new Error(`of ${SPEED_BLOCK} bytes ${bytes} came through`);
        } catch (error) {
          // what is refused, or is not there, tells nothing of sizes
          if (error instanceof RemoteError || /refused/i.test(errorText(error))) refused = errorText(error);
          throw new Fault({ mtu, problem: errorText(error) });
        }
      return { mtu };
    });
    if (refused !== undefined) {
      for (const name of ['mtu', 'down', 'up'] as const) this.leave(name, 'no_speed', { problem: refused });
      return;
    }
    if (!isWhole) return this.skip('small');
    for (const direction of ['down', 'up'] as const) {
      refused = undefined;
      await this.step(direction, async (step) => {
        try {
          const onProgress = (share: number): void => {
            step.share = share;
          };
          const { bytes, ms } = await measureSpeed(streams, clock, { to, direction, ...this.amount, onProgress });
          // bits a millisecond are kilobits a second
          return { rate: Math.round((80 * bytes) / ms / 1000) / 10 };
        } catch (error) {
          if (error instanceof RemoteError) refused = errorText(error);
          throw new Fault({ problem: errorText(error) });
        }
      });
      // measured too often, say: that is no fault of the way
      if (refused !== undefined) this.leave(direction, 'no_speed', { problem: refused });
    }
  }

  /** Does one step. @returns whether it is good. */
  private async step(name: TestStepName, work: (step: TestStep) => Promise<Values>): Promise<boolean> {
    const step = this.find(name);
    step.state = 'running';
    try {
      step.values = await work(step);
      step.state = 'good';
    } catch (error) {
      step.values = error instanceof Fault ? error.values : { problem: errorText(error) };
      step.state = 'bad';
    }
    delete step.share;
    return step.state === 'good';
  }

  /** Of one step it is told why it is not looked at. */
  private leave(name: TestStepName, skipped: SkipReason, values: Values = {}): void {
    Object.assign(this.find(name), { state: 'skipped', skipped, values });
  }

  /** The same of all that wait. */
  private skip(reason: SkipReason, values: Values = {}): void {
    for (const { name, state } of this.steps) if (state === 'waiting') this.leave(name, reason, values);
  }

  private find(name: TestStepName): TestStep {
    return this.steps.find((step) => step.name === name)!;
  }
}

/** A step that found a fault; these fill its sentence. */
class Fault extends Error {
  constructor(readonly values: Values) {
    super('fault');
  }
}

/** The gateway's end, as this home reaches it. */
function innerOf({ home4, home6, gateway4, gateway6 }: Terms, port: number): DialTarget | undefined {
  if (home4 !== undefined && gateway4 !== undefined) return { host: gateway4, port, from: home4 };
  if (home6 !== undefined && gateway6 !== undefined) return { host: gateway6, port, from: home6 };
  return undefined;
}

function outsideOf({ home4 }: Terms, to: { host: string; port: number } | undefined): DialTarget | undefined {
  return to && home4 !== undefined ? { ...to, from: home4 } : undefined;
}
