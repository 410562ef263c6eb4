// How this router joins a fleet: shows its card, and writes what a code says into `/etc/config/meshbridge`, in one edit.
//
// Until a code is taken nothing of this router goes to any broker. What the code brings is a broker, a site and keys; how far those keys
// reach is what the owner permits, not what the code proposes.

import { InputError } from '../errors.ts';
import { type Code, type CodeKey, makeCard, openCode, passwordOf, saltOf } from '../lib/enrolment.ts';
import { addSection, removeSection, setOption, type UciPackage, type UciSection } from '../lib/uci.ts';
import type { Clock, Crypto } from '../transport/host.ts';
import { identityOf } from './node-key.ts';
import { fromRaw, UciFile, type UciFiles } from './uci-file.ts';

/** What is needed of the machine. */
export interface EnrolmentHost {
  readonly files: UciFiles;
  readonly crypto: Crypto;
  readonly clock: Pick<Clock, 'unixMs'>;
  randomBytes(count: number): Uint8Array;
}

/** What is said of this router. */
export interface Identity {
  node: string;
  /** 64 hex digits. */
  key: string;
}

/** What a code would do, for its reader to judge. */
export interface Proposal extends Identity {
  site: string;
  url: string;
  keys: CodeKey[];
  cap: string;
  expires_at: number;
}

const MAIN = 'main';
/** The section of the broker, unless there is one of a fleet already. */
const BROKER = 'fleet';
const SALT_BYTES = 12;
const STAYS = ['interval', 'metered', 'metrics', 'send', 'discovery', 'manage'];

/** The enrolment of one router. */
export class Enrolment {
  private readonly file: UciFile;

  /**
   * @param directory of the UCI files. @param name of the daemon's.
   * @param seed of the router's own key.
   * @param check throws on a configuration that the daemon would refuse.
   */
  constructor(
    private readonly host: EnrolmentHost,
    directory: string,
    private readonly seed: Uint8Array,
    private readonly check: (text: string) => void,
    name = 'meshbridge',
  ) {
    this.file = new UciFile(host.files, directory, name);
  }

  /** A card for an operator; each has a password of its own. */
  card(): Identity & { card: string } {
    const { crypto } = this.host;
    return { ...this.identity(), card: makeCard(crypto, this.seed, this.host.randomBytes(SALT_BYTES)) };
  }

  /** What a code says. @throws InputError when it is none, is not for this router, or is too old. */
  propose(text: string): Proposal {
    const { site, url, keys, cap, exp } = this.open(text);
    return { ...this.identity(), site, url, keys, cap, expires_at: exp };
  }

  /**
   * Writes what a code says.
   * @param cap the most that its keys may do; default: what the code proposes.
   * @throws InputError as `propose`; ConfigError when the configuration would not do; then nothing is written.
   */
  accept(text: string, cap?: string): Identity {
    const code = this.open(text);
    this.file.edit((before, tree) => {
      const after = write(before, tree, code, this.passwordOf(code), cap ?? code.cap);
      this.check(fromRaw(after));
      return after;
    });
    return this.identity();
  }

  private identity(): Identity {
    const { node, publicKey } = identityOf(this.host.crypto, this.seed);
    return { node, key: publicKey };
  }

  private open(text: string): Code {
    const code = openCode(this.host.crypto, text);
    const { node } = this.identity();
    if (code.node !== node)
      throw new InputError(`code: it is for the router ${code.node}, this one is ${node}`, 'code');
    // a clock that starts in 1970 refuses nothing
    const now = Math.floor(this.host.clock.unixMs() / 1000);
    if (now > code.exp) throw new InputError(`code: it counted until ${day(code.exp)}, today is ${day(now)}`, 'code');
    return code;
  }

  private passwordOf(code: Code): string {
    const salt = saltOf(code);
    return salt ? passwordOf(this.host.crypto, this.seed, salt) : code.password!;
  }
}

function day(unix_s: number): string {
  return new Date(unix_s * 1000).toISOString().slice(0, 10);
}

/** The text of the file with all that a code says. */
function write(before: string, tree: UciPackage, code: Code, password: string, cap: string): string {
  let text = before;
  const find = (holds: (section: UciSection) => boolean): UciSection | undefined => tree.sections.find(holds);
  if (!find(({ name }) => name === MAIN)) text = addSection(text, 'meshbridge', MAIN, {});
  for (const [option, value] of [
    ['site', code.site],
    ['manage_cap', cap],
    ['mqtt', '1'],
  ] as const)
    text = setOption(text, MAIN, option, value);

  const isFleets = ({ type, options }: UciSection): boolean =>
    type === 'mqtt' && (options.get('profile')?.value ?? 'fleet') === 'fleet';
  const broker = find((section) => isFleets(section) && section.name === BROKER) ?? find(isFleets);
  // how often and what it gets is the owner's to say, and stays; so does what the owner knows of the same broker
  const stays = broker?.options.get('url')?.value === code.url ? [...STAYS, 'ca_file'] : STAYS;
  const kept = [...(broker?.options ?? [])].filter(([name]) => stays.includes(name));
  if (broker) text = removeSection(text, broker.name);
  text = addSection(text, 'mqtt', broker?.name ?? BROKER, {
    url: code.url,
    password,
    ...(code.server_name !== undefined && { server_name: code.server_name }),
    ...(code.pins && code.pins.length > 0 && { pin: code.pins }),
    ...Object.fromEntries(kept.map(([name, { value }]) => [name, value])),
  });

  for (const { name, public: publicKey, scope } of code.keys) {
    const known = find(({ type, options }) => type === 'key' && options.get('public')?.value === publicKey);
    if (known) text = removeSection(text, known.name);
    const isTaken = find((section) => section.name === name && section !== known) || name === MAIN || name === BROKER;
    const free = known?.name ?? (isTaken ? `${name}_${publicKey.slice(0, 8)}` : name);
    text = addSection(text, 'key', free, { public: publicKey, scope });
  }
  return text;
}
