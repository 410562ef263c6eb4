// What a home's machine was told last, in RAM: so that whoever comes after, a helper that starts anew for each call above all, knows it.

import type { Terms } from '../api/lease.ts';
import { JsonFields } from '../lib/json-field.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { readTerms } from '../mesh/lease-message.ts';
import type { Slot } from '../mesh/tunnel.ts';
import type { Files } from '../transport/host.ts';

const MAX_BYTES = 64 * 1024;

/** What a home is to be. */
export interface HomeState {
  blocked: boolean;
  used: Slot | undefined;
  tunnels: [Terms | undefined, Terms | undefined];
  /** Prefixes that the LAN had, and devices that Yggdrasil had: they count while they are away, too. */
  prefixes: string[];
  mesh: string[];
  /** The rules as they were loaded, and as nft shows them when nobody changed them. */
  rules: string | undefined;
  seal: string | undefined;
}

/** A machine that was told nothing. */
export function noHome(): HomeState {
  return {
    ...{ blocked: false, used: undefined, tunnels: [undefined, undefined], prefixes: [], mesh: [] },
    ...{ rules: undefined, seal: undefined },
  };
}

/** The file of it. */
export class HomeStateFile {
  /** @param path in RAM, where nobody else may write. */
  constructor(
    private readonly files: Files,
    private readonly path: string,
  ) {}

  /** `undefined`: there is none, or none that can be read. */
  load(): HomeState | undefined {
    try {
      const bytes = this.files.read(this.path, MAX_BYTES);
      return bytes && stateOf(JSON.parse(decodeUtf8(bytes)));
    } catch {
      return undefined;
    }
  }

  /** @throws Error */
  save(state: HomeState): void {
    this.files.write(this.path, encodeUtf8(JSON.stringify(state)), 0o600);
  }

  /** @throws Error */
  remove(): void {
    this.files.remove(this.path);
  }
}

function stateOf(json: unknown): HomeState {
  const { blocked, used, tunnels, prefixes, mesh, rules, seal } = json as Record<string, unknown>;
  const texts = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : [];
  const [first, second] = (Array.isArray(tunnels) ? tunnels : []).map((one) =>
    one ? readTerms(new JsonFields('terms', one)) : undefined,
  );
  return {
    blocked: blocked === true,
    used: used === 0 || used === 1 ? used : undefined,
    tunnels: [first, second],
    prefixes: texts(prefixes),
    mesh: texts(mesh),
    rules: typeof rules === 'string' ? rules : undefined,
    seal: typeof seal === 'string' ? seal : undefined,
  };
}
