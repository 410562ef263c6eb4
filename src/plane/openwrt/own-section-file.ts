// Own sections in the files of /etc/config, and the few options of others that a home changes there, each written down so that it can be put
// back: edited in place, and read back after a rest.

import { addSection, parseUci, removeOption, removeSection, setOption, type UciSection } from '../../lib/uci.ts';
import { UciFile, type UciFiles } from '../../system/uci-file.ts';
import type { Clock } from '../../transport/host.ts';
import { editAtRest } from './resting-file.ts';
import { isOwnName, type OwnSection } from './uci-section.ts';

/** Files that a home writes into. */
export const HOME_FILES = ['network', 'firewall', 'dhcp'] as const;
export type HomeFile = (typeof HOME_FILES)[number];

/** What one file is to hold of ours; nothing: as if we had never been there. */
export interface OwnContent {
  readonly sections: readonly OwnSection[];
  /** An option of others' sections that is set while we are there. */
  readonly change?: ForeignChange;
}

/** An option that sections of others get. */
export interface ForeignChange {
  readonly type: string;
  readonly option: string;
  readonly value: string;
  /** What tells a section from the others of its type, whoever moves it; `undefined`: it is left alone. */
  keyOf(section: UciSection): string | undefined;
}

/** Where old values are written down: a type that nobody else reads. */
const SAVED = { type: 'meshbridge', name: 'mb_saved' } as const;

/** The part of the port that is needed here. */
export interface OwnFilesHost {
  readonly files: UciFiles;
  readonly clock: Pick<Clock, 'after'>;
}

/** The text of a file with this of ours in it, and nothing else of ours. @throws UciError, InputError */
export function withOwn(text: string, { sections, change }: OwnContent, file: HomeFile): string {
  let result = putBack(text, file);
  const saved = change ? changesIn(result, change) : [];
  for (const { type, name } of parseUci(result).sections) {
    if (!isOwnName(name)) continue;
    const wanted = sections.find((one) => one.name === name && one.type === type);
    if (!wanted || !isSame(find(result, name)!, wanted)) result = removeSection(result, name);
  }
  for (const { type, name, options } of sections)
    if (!find(result, name)) result = addSection(result, type, name, options);
  if (!change || saved.length === 0) return result;
  for (const { name } of saved) result = setOption(result, name, change.option, change.value);
  const list = saved.map(({ key, was }) => `${change.option} ${was ?? '-'} ${key}`);
  return addSection(result, SAVED.type, SAVED.name, { was: list });
}

/** What others' sections had before, put back into those that still are as we set them. */
function putBack(text: string, file: HomeFile): string {
  const old = find(text, SAVED.name)?.options.get('was')?.value;
  if (old === undefined) return text;
  let result = removeSection(text, SAVED.name);
  const change = FOREIGN[file];
  for (const line of typeof old === 'string' ? [old] : old) {
    const [, option, was, key] = /^(\S+) (\S+) (.*)$/.exec(line) ?? [];
    if (!change || option !== change.option) continue;
    for (const section of parseUci(result).sections) {
      if (section.type !== change.type || change.keyOf(section) !== key) continue;
      if (section.options.get(change.option)?.value !== change.value) continue;
      result =
        was === '-'
          ? removeOption(result, section.name, change.option)
          : setOption(result, section.name, change.option, was!);
    }
  }
  return result;
}

function changesIn(text: string, change: ForeignChange): { name: string; key: string; was: string | undefined }[] {
  return parseUci(text).sections.flatMap((section) => {
    const key = section.type === change.type ? change.keyOf(section) : undefined;
    const was = section.options.get(change.option)?.value;
    if (key === undefined || was === change.value || typeof was === 'object' || /\s/.test(was ?? '')) return [];
    return [{ name: section.name, key, was }];
  });
}

/** By which names zones are told apart is up to whoever wrote the file. */
function forwardingKey({ options }: UciSection): string | undefined {
  const [src, dest] = ['src', 'dest'].map((name) => options.get(name)?.value);
  return typeof src === 'string' && typeof dest === 'string' ? `${src}>${dest}` : undefined;
}

/** What may stand in a file from an earlier change of ours. */
const FOREIGN: Readonly<Partial<Record<HomeFile, ForeignChange>>> = {
  firewall: { type: 'forwarding', option: 'enabled', value: '0', keyOf: forwardingKey },
  dhcp: {
    type: 'dnsmasq',
    option: 'localuse',
    value: '0',
    keyOf: ({ options }) => `${options.get('instance')?.value ?? ''}:${options.get('domain')?.value ?? ''}`,
  },
};

/** The way from zones of the LAN to others, closed. @param isClosed of `src` and `dest`. */
export function closedForwardings(isClosed: (src: string, dest: string) => boolean): ForeignChange {
  return {
    ...FOREIGN.firewall!,
    keyOf: (section) => {
      const key = forwardingKey(section);
      const [src, dest] = key?.split('>') ?? [];
      return key !== undefined && isClosed(src!, dest!) ? key : undefined;
    },
  };
}

/** The ways from zones that were open before us, and are closed in the file. @throws Error when it cannot be read */
export function openForwardings(files: UciFiles, directory: string): { readonly src: string; readonly dest: string }[] {
  const tree = new UciFile(files, directory, 'firewall').read() ?? { sections: [] };
  const was = tree.sections.find(({ name }) => name === SAVED.name)?.options.get('was')?.value ?? [];
  return (typeof was === 'string' ? [was] : was).flatMap((line) => {
    const [, src, dest] = /^enabled \S+ ([^>]+)>(.+)$/.exec(line) ?? [];
    return src === undefined ? [] : [{ src, dest: dest! }];
  });
}

/** What this machine looks up itself goes to the line's resolver, not to its own. */
export const OWN_LOOKUPS: ForeignChange = FOREIGN.dhcp!;

/**
 * Makes a file hold this of ours. A file that is missing is only made where something is to stand in it.
 * @returns whether it was written. @throws (rejects) Error when it cannot be read or written, is no UCI file, or does not rest.
 */
export function writeOwn(
  { files, clock }: OwnFilesHost,
  directory: string,
  name: HomeFile,
  content: OwnContent,
): Promise<boolean> {
  return editAtRest(clock, new UciFile(files, directory, name), (text) => withOwn(text, content, name));
}

/** Own sections of a file, by name. @throws Error when it cannot be read */
export function readOwn(files: UciFiles, directory: string, name: HomeFile): Map<string, OwnSection> {
  const tree = new UciFile(files, directory, name).read() ?? { sections: [] };
  const own = tree.sections.filter((section) => isOwnName(section.name) && section.name !== SAVED.name);
  return new Map(
    own.map(({ type, name: key, options }) => [
      key,
      { type, name: key, options: Object.fromEntries([...options].map(([option, { value }]) => [option, value])) },
    ]),
  );
}

function find(text: string, name: string): UciSection | undefined {
  return parseUci(text).sections.find((section) => section.name === name);
}

/** Whether a section holds what is wanted, and nothing else. */
export function isSame(section: UciSection | OwnSection, { type, options }: OwnSection): boolean {
  const has =
    section.options instanceof Map
      ? Object.fromEntries([...section.options].map(([option, { value }]) => [option, value]))
      : section.options;
  const text = (all: OwnSection['options']): string => JSON.stringify(Object.entries(all).sort());
  return section.type === type && text(has as OwnSection['options']) === text(options);
}
