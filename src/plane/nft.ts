// Rules by the program `nft`: a script is loaded as one transaction, whole or not at all.

import { firstLine, type Machine, runWell } from './machine.ts';

/** nftables of one machine. */
export class Nft {
  constructor(private readonly machine: Machine) {}

  /**
   * Loads a script. The kernel takes it as one transaction: packets meet the old rules or the new ones, and of a script with a mistake nothing is loaded.
   * @throws (rejects) Error
   */
  async load(script: string): Promise<void> {
    await runWell(this.machine, 'nft', ['-f', '-'], { stdin: script });
  }

  /** Puts a table in place of the one with its name. @param body its chains and sets. @throws (rejects) Error */
  replace(table: string, body: string): Promise<void> {
    // made first, so that there is one to be deleted
    return this.load(`table ${table}\ndelete table ${table}\ntable ${table} {\n${body}}\n`);
  }

  /** Removes a table; one that is not there is no error. @throws (rejects) Error */
  remove(table: string): Promise<void> {
    return this.load(`table ${table}\ndelete table ${table}\n`);
  }

  /** A table as text, without counts: the same as long as nobody changes it. `undefined`: there is none. @throws (rejects) Error */
  async show(table: string): Promise<string | undefined> {
    const { code, stdout, stderr } = await this.machine.run('nft', ['-s', 'list', 'table', ...table.split(' ')]);
    if (code === 0) return stdout;
    if (/No such file/.test(stderr)) return undefined;
    throw new Error(`nft list table ${table}: ${firstLine(stderr) || `ended with ${code}`}`);
  }
}

/** `{ a, b }`, as rules take it; of none, `undefined`, for nft has no empty set. */
export function nftSet(items: readonly (string | number)[]): string | undefined {
  return items.length > 0 ? `{ ${items.join(', ')} }` : undefined;
}

/** A name of a device in nft's quotes. @throws Error where it could say more than that */
export function quoted(name: string): string {
  // as the kernel has them, but for what ends a text or stands for other names
  if (!/^[^\s/:"\\*]{1,15}$/.test(name)) throw new Error(`device: expected a name, got ${JSON.stringify(name)}`);
  return `"${name}"`;
}
