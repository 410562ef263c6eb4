// Where a gateway takes what captains sign: reports on homes, and words by which homes get in.
//
// The checks go from cheap to dear. A stranger learns nothing: whoever may not speak of a home is told the same whether it is served here or not.

import { CAPTAIN_AGE_S, type CaptainRefusal, type CaptainTaken } from '../api/lease.ts';
import { errorText } from '../errors.ts';
import { encodeBase32 } from '../lib/base32.ts';
import { fromHex } from '../lib/bytes.ts';
import { Meter } from '../lib/meter.ts';
import { keyIdOf } from '../lib/node-id.ts';
import { type CaptainRecord, type Captains, MAX_SAID } from './captain.ts';
import { type CaptainWord, readSigned, type Signed } from './captain-message.ts';
import type { Clients } from './client.ts';
import type { Reports } from './report.ts';

/** Signatures that are checked for one key: ten at once, then one in five seconds. */
const CHECKS = { burst: 10, everyMs: 5000, most: 1024 } as const;
const MAX_REASON = 200;
const DIGEST_BYTES = 20;
const AGAIN_S = { full: 3600, too_often: 3600, busy: 60 } as const;
const DAY_S = 86_400;

/** What a captain is answered. */
export type CaptainAnswer =
  | { readonly kind: 'taken'; readonly taken: CaptainTaken }
  | {
      readonly kind: 'refused';
      readonly error: CaptainRefusal;
      readonly reason: string;
      readonly retryAfterS?: number;
    };

export interface CaptainDeskOptions {
  readonly captains: Captains;
  readonly reports: Reports;
  readonly clients: Pick<
    Clients,
    'captainOf' | 'decisionOn' | 'isConfigured' | 'vouchedBy' | 'vouch' | 'siteOf' | 'touch'
  >;
  /** The gateway's own. */
  readonly key: string;
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
  sha512(bytes: Uint8Array): Uint8Array;
  nowMs(): number;
  /** Unix seconds; `undefined` while the clock is wrong. */
  dateS(): number | undefined;
  /** Something was taken; for the log of the machine. */
  onTaken(word: CaptainWord, keyId: string, address: string): void;
  /** It could not be kept. */
  onProblem(problem: string): void;
}

/** One gateway's. */
export class CaptainDesk {
  private readonly checks = new Meter(CHECKS);

  constructor(private readonly options: CaptainDeskOptions) {}

  /** Takes a report. @param payload an envelope, as anybody may have sent it. */
  report(payload: Uint8Array): CaptainAnswer {
    const { clients, reports, onTaken } = this.options;
    return this.take(
      'report',
      payload,
      ({ message }) => clients.captainOf(message.address),
      (signed, key, nowS) => {
        const { message, keyId } = signed;
        const digest = this.digestOf(signed);
        const known = reports.byDigest(digest);
        if (known) return taken('this report was here already', known.id);
        const isNamed = (one: string): boolean => this.options.captains.find(one) !== undefined;
        const problem = reports.problemOf(key, message.address, nowS, isNamed);
        if (problem) return refused(problem.error, problem.reason, AGAIN_S[problem.error]);
        const { id } = reports.add(message, { at_s: nowS, captain_key: key, digest }, isNamed);
        onTaken('report', keyId, message.address);
        // the home learns it at once
        clients.touch(message.address);
        return taken('the operator will see it, and the home reads the reason', id);
      },
    );
  }

  /** Takes a captain's word for a home. @param payload as with `report`. */
  vouch(payload: Uint8Array): CaptainAnswer {
    const { captains } = this.options;
    const keyFor = ({ keyId }: Signed<'vouch'>): string | undefined => {
      const captain = captains.byId(keyId);
      return captain?.may_vouch ? captain.key : undefined;
    };
    return this.take('vouch', payload, keyFor, (signed, key, nowS) => this.letIn(signed, captains.find(key)!, nowS));
  }

  private letIn(signed: Signed<'vouch'>, captain: CaptainRecord, nowS: number): CaptainAnswer {
    const { captains, clients, onTaken } = this.options;
    const { address, site, days } = signed.message;
    const digest = this.digestOf(signed);
    const said = (captain.said ?? []).filter(({ at_s }) => Math.abs(nowS - at_s) <= 2 * CAPTAIN_AGE_S);
    if (said.some((one) => one.digest === digest)) return taken('this was said already');
    if (clients.isConfigured(address))
      return refused('decided', 'the configuration of the gateway decides on this home');
    const decision = clients.decisionOn(address);
    if (decision?.standing === 'admitted') return taken('this home is let in already');
    if (decision) return refused('decided', `the operator decided on this home: ${decision.standing}`);
    if (captain.site !== undefined) {
      const theirs = site ?? clients.siteOf(address) ?? captain.site;
      const told = clients.siteOf(address) ?? captain.site;
      if (theirs !== captain.site || told !== captain.site)
        return refused('not_captain', `the operator has you speak for homes of ${captain.site} alone`);
    }
    const inNow = clients.vouchedBy(captain.key);
    if (inNow >= captain.max_homes)
      return refused('full', `${inNow} homes are in by your word, and the operator lets you have ${captain.max_homes}`);
    if (said.length >= MAX_SAID) return refused('too_often', 'expected fewer homes at once', CAPTAIN_AGE_S);
    captains.set({ ...captain, said: [...said, { digest, at_s: signed.message.at_s }] });
    clients.vouch(address, captain.key, days === undefined ? undefined : nowS + days * DAY_S, captain.name);
    onTaken('vouch', signed.keyId, address);
    return taken(days === undefined ? 'the home is let in' : `the home is let in for ${days} days`);
  }

  /** What every word goes through. @param keyFor whose it must be; `undefined`: nobody's. */
  private take<W extends CaptainWord>(
    word: W,
    payload: Uint8Array,
    keyFor: (signed: Signed<W>) => string | undefined,
    accept: (signed: Signed<W>, key: string, nowS: number) => CaptainAnswer,
  ): CaptainAnswer {
    const { key: own, verify, nowMs, dateS, onProblem } = this.options;
    let signed: Signed<W>;
    try {
      signed = readSigned(word, payload);
    } catch (error) {
      return refused('malformed', errorText(error).slice(0, MAX_REASON));
    }
    const { message, keyId, signature } = signed;
    if (message.gateway !== own)
      return refused('stale', `gateway: expected the key of this one, ${own}, got ${message.gateway}`);
    const nowS = dateS();
    if (nowS === undefined) return refused('busy', 'the clock of this gateway is wrong', AGAIN_S.busy);
    const offS = message.at_s - nowS;
    if (Math.abs(offS) > CAPTAIN_AGE_S)
      return refused('stale', `at_s: expected within ${CAPTAIN_AGE_S} s of this gateway's clock, got ${offS} s off`);
    const stranger = refused(
      'not_captain',
      word === 'report'
        ? 'no home here names this key as that of its captain'
        : 'no captain who may vouch has this key',
    );
    const key = keyFor(signed);
    if (key === undefined || keyIdOf(key) !== keyId) return stranger;
    const waitMs = this.checks.take(key, nowMs());
    if (waitMs > 0) return refused('too_often', 'asked too often', Math.ceil(waitMs / 1000));
    if (!verify(fromHex(key), signed.signed, signature)) return stranger;
    try {
      return accept(signed, key, nowS);
    } catch (error) {
      onProblem(`${word}: ${errorText(error)}`);
      return refused('busy', 'it cannot be kept now', AGAIN_S.busy);
    }
  }

  private digestOf({ signed }: Pick<Signed<CaptainWord>, 'signed'>): string {
    return encodeBase32(this.options.sha512(signed).slice(0, DIGEST_BYTES));
  }
}

function taken(message: string, id?: number): CaptainAnswer {
  return { kind: 'taken', taken: { message, ...(id !== undefined && { id }) } };
}

function refused(error: CaptainRefusal, reason: string, retryAfterS?: number): CaptainAnswer {
  return { kind: 'refused', error, reason, ...(retryAfterS !== undefined && { retryAfterS }) };
}
