// The wiring of the desk that takes signed commands: who may ask, all operations, and where it is on record. In memory while brokers are.

import type { Config } from './config.ts';
import type { Log } from './log.ts';
import { type CommandClock, CommandDesk, type CommandJournal } from './mesh/command.ts';
import type { LeaseDesk } from './mesh/lease-desk.ts';
import { type ConfigDesk, configurationOperations } from './mesh/operation/configuration.ts';
import { leaseOperations } from './mesh/operation/lease.ts';
import { lookOperations } from './mesh/operation/look.ts';
import { peerOperations } from './mesh/operation/peer.ts';
import { reachOperations } from './mesh/operation/reach.ts';
import { type Reporting, type Service, serviceOperations } from './mesh/operation/service.ts';
import type { Operations, Permit } from './mesh/operation.ts';
import type { Overview } from './mesh/overview.ts';
import type { MeshState } from './mesh/state.ts';
import type { ServiceCheck } from './source/service.ts';
import type { Crypto } from './transport/host.ts';

/** What the desk rests on. */
export interface DeskParts {
  readonly node: string;
  /** Of `openCommands`, as the journal. */
  readonly sid: string;
  readonly journal: CommandJournal;
  /** In force now. */
  config(): Pick<Config, 'manageCap' | 'keys' | 'registrar'>;
  readonly crypto: Pick<Crypto, 'ed25519Verify'>;
  readonly clock: CommandClock;
  readonly mesh: MeshState;
  readonly overview: Pick<Overview, 'look'>;
  readonly services: Pick<ServiceCheck, 'knock'>;
  /** This home's. @throws InputError where no gateway is named. */
  lease(): LeaseDesk;
  readonly service: Service;
  readonly reporting: Reporting;
  readonly configuration: ConfigDesk;
  /** Operations that come and go: those on the homes of a gateway. */
  late(): Operations;
  /** Takes the body of a `res`, to be signed and sent; as CommandParts. */
  answer(body: string): void | Promise<void>;
  readonly log: Log;
}

/** Everything that can be asked for at any time. */
export function allOperations(parts: DeskParts): Operations {
  const { mesh, overview, services, clock, service, reporting, configuration } = parts;
  return {
    ...lookOperations({ mesh, overview, nowMs: () => clock.monotonicMs() }),
    ...reachOperations({ mesh, clock, knock: (address, port) => services.knock(address, port) }),
    ...peerOperations(mesh),
    ...leaseOperations(() => parts.lease()),
    ...serviceOperations(service, reporting),
    ...configurationOperations(configuration),
  };
}

/** What the owner lets keys of others do. */
export function permitOf({ manageCap: cap, registrar }: Pick<Config, 'manageCap' | 'registrar'>): Permit {
  return { cap, desk: registrar?.enabled ? registrar.deskCap : 'none' };
}

/** The desk of this router. */
export function openCommandDesk(parts: DeskParts): CommandDesk {
  const { node, sid, journal, clock, log } = parts;
  const always = allOperations(parts);
  return new CommandDesk({
    node,
    sid,
    journal,
    clock,
    log,
    keys: () => parts.config().keys,
    permit: () => permitOf(parts.config()),
    verify: (key, bytes, signature) => parts.crypto.ed25519Verify(key, bytes, signature),
    get operations() {
      return { ...always, ...parts.late() };
    },
    answer: (body) => parts.answer(body),
  });
}
