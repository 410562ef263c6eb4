// Changes of several files of /etc/config as one: what each option was and shall be, done and undone option by option.
//
// Files are never put back whole: whoever else edited one meanwhile keeps what he wrote, and so does who edited an option of ours. What
// people have staged and not committed (/tmp/.uci) is theirs, and is not looked at. Values are raw text, see uci-file.ts.

import { InputError } from '../errors.ts';
import { identityOf } from '../lib/peer-text.ts';
import {
  addSection,
  parseUci,
  removeOption,
  removeSection,
  setList,
  setOption,
  type UciPackage,
  type UciSection,
} from '../lib/uci.ts';
import { type Change, type OptionPlace, pathOf, placeOf, problemOf } from '../lib/uci-path.ts';
import type { Clock } from '../transport/host.ts';
import { fromRaw, toRaw, UciFile, type UciFiles } from './uci-file.ts';

/** An option's value; `null`: it is not there. */
export type UciValue = string | readonly string[] | null;

/** One option, as it was before and as it shall be. */
export interface OptionStep {
  readonly file: string;
  readonly section: string;
  readonly option: string;
  readonly was: UciValue;
  readonly to: UciValue;
}

/** The section of a peering; an anonymous one has no name. */
export interface PeerSection {
  readonly name?: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
}

/** One peering of an interface; `null`: there is none. */
export interface PeerStep {
  readonly file: 'network';
  readonly interface: string;
  readonly was: PeerSection | null;
  readonly to: PeerSection | null;
}

export type Step = OptionStep | PeerStep;

/** A change that is not made, and why. */
export interface Rejection {
  readonly path: string;
  readonly reason: string;
}

/** What the running programs would say of a file; each problem is about an option, `package.section.option`. */
export type FileCheck = (text: string) => readonly { readonly option: string; readonly message: string }[];

/** The files that may be changed, in the order in which they are written. */
export const CHANGED_FILES = ['meshbridge', 'network', 'wireless'] as const;
type ChangedFile = (typeof CHANGED_FILES)[number];

/** The part of the port that is needed here. */
export interface ChangeHost {
  readonly files: UciFiles;
  readonly clock: Pick<Clock, 'after'>;
}

/** Whoever read a file before we replaced it, and writes it back after that, does so within this time. */
const REST_MS = 300;
const MAX_ATTEMPTS = 5;

/**
 * What it takes to make changes: nothing for those that hold already. Makes none.
 * @param checks of files by name: a change after which a file would be refused is rejected.
 * @throws Error when a file cannot be read, or is no UCI file.
 */
export function planChanges(
  files: UciFiles,
  directory: string,
  changes: readonly Change[],
  checks: Readonly<Partial<Record<ChangedFile, FileCheck>>>,
): { steps: Step[]; rejected: Rejection[] } {
  const steps: Step[] = [];
  const rejected: Rejection[] = [];
  const reject = (change: Change, reason: string): void => {
    rejected.push({ path: pathOf(change), reason });
  };
  const allowed = changes.filter((change) => {
    const problem = problemOf(change);
    if (problem !== undefined) reject(change, problem);
    return problem === undefined;
  });
  for (const name of CHANGED_FILES) {
    const own = allowed.filter((change) => placeOf(pathOf(change))!.package === name);
    if (own.length === 0) continue;
    const text = new UciFile(files, directory, name).readText();
    if (text === undefined) for (const change of own) reject(change, `this router has no ${directory}/${name}`);
    else steps.push(...planFile(text, own, checks[name], reject));
  }
  return { steps, rejected };
}

function planFile(
  text: string,
  changes: readonly Change[],
  check: FileCheck | undefined,
  reject: (change: Change, reason: string) => void,
): Step[] {
  const [before] = check?.(text) ?? [];
  for (let rest = changes; ; ) {
    const planned = new Map<Change, Step[]>();
    let result = text;
    for (const change of rest) {
      try {
        const steps = stepsOf(parseUci(result), change);
        result = applySteps(result, steps);
        planned.set(change, steps);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        reject(change, error.message);
      }
    }
    rest = [...planned.keys()];
    const problems = result === text ? [] : (check?.(result) ?? []);
    if (problems.length === 0) return [...planned.values()].flat();
    const named = rest.filter((change) => problems.some(({ option }) => option === pathOf(change)));
    const guilty = before || named.length === 0 ? rest : named;
    for (const change of guilty) {
      const found = problems.find(({ option }) => option === pathOf(change)) ?? before ?? problems[0]!;
      reject(change, `${found.option}: ${found.message}`);
    }
    rest = rest.filter((change) => !guilty.includes(change));
  }
}

/** @throws InputError when this router has nothing that it could be done to */
function stepsOf(tree: UciPackage, change: Change): Step[] {
  const place = placeOf(pathOf(change))!;
  if (place.package === 'network') return 'value' in change ? peerSteps(tree, place.interface, change) : [];
  const { package: file, section, option, rule } = place;
  const was = optionsIn(tree, place).get(option)?.value ?? null;
  const given = 'to' in change ? change.to : null;
  const to = typeof given === 'string' ? (rule.isList ? [toRaw(given)] : toRaw(given)) : (given?.map(toRaw) ?? null);
  return isSame(was, to) ? [] : [{ file, section, option, was, to }];
}

function optionsIn(tree: UciPackage, { section, type }: OptionPlace): UciSection['options'] {
  const found = tree.sections.find(({ name }) => name === section);
  if (!found || found.anonymous) throw new InputError(`section ${section}: this router has none`);
  if (found.type !== type) throw new InputError(`section ${section}: expected one of type ${type}, got ${found.type}`);
  return found.options;
}

function peerSteps(tree: UciPackage, iface: string, change: Change & { value: string }): PeerStep[] {
  const isOurs = ({ name, type, options }: UciSection): boolean =>
    name === iface && type === 'interface' && options.get('proto')?.value === 'yggdrasil';
  if (!tree.sections.some(isOurs))
    throw new InputError(`interface ${iface}: this router has none of protocol yggdrasil`);
  const identity = identityOf(change.value);
  const known = tree.sections.filter(({ type, options }) => {
    const address = options.get('address')?.value;
    return type === typeOf(iface) && typeof address === 'string' && identityOf(fromRaw(address)) === identity;
  });
  const step = { file: 'network', interface: iface } as const;
  if ('remove' in change) return known.map((section) => ({ ...step, was: contentOf(section), to: null }));
  const address = toRaw(change.value);
  const [first] = known;
  if (!first) return [{ ...step, was: null, to: { options: { address } } }];
  const was = contentOf(first);
  return was.options.address === address
    ? []
    : [{ ...step, was, to: { ...was, options: { ...was.options, address } } }];
}

function contentOf({ name, anonymous, options }: UciSection): PeerSection {
  const content = Object.fromEntries([...options].map(([option, { value }]) => [option, value]));
  return anonymous ? { options: content } : { name, options: content };
}

function typeOf(iface: string): string {
  return `yggdrasil_${iface}_peer`;
}

/** How a step stands in a file: not done, done, or somebody else set something else. */
function standing(tree: UciPackage, step: Step): 'old' | 'new' | 'other' {
  if ('option' in step) {
    const now = tree.sections.find(({ name }) => name === step.section)?.options.get(step.option)?.value ?? null;
    if (isSame(now, step.to)) return 'new';
    return isSame(now, step.was) ? 'old' : 'other';
  }
  const { interface: iface, was, to } = step;
  if (to && findPeer(tree, iface, to)) return 'new';
  if (was && findPeer(tree, iface, was)) return 'old';
  if (to === null) return 'new';
  return was === null ? 'old' : 'other';
}

function findPeer(tree: UciPackage, iface: string, { options }: PeerSection): UciSection | undefined {
  return tree.sections.find(
    (section) =>
      section.type === typeOf(iface) &&
      ['address', 'interface'].every((name) => isSame(section.options.get(name)?.value ?? null, options[name] ?? null)),
  );
}

function isSame(a: UciValue, b: UciValue): boolean {
  if (typeof a === 'object' && typeof b === 'object' && a && b)
    return a.length === b.length && a.every((item, i) => item === b[i]);
  return a === b;
}

/** The text with all steps done. @throws InputError where somebody else set something else, or a line holds more than can be edited. */
function applySteps(text: string, steps: readonly Step[]): string {
  let result = text;
  for (const step of steps) {
    const stands = standing(parseUci(result), step);
    if (stands === 'other') throw new InputError(`${nameOf(step)}: changed by somebody else meanwhile`);
    if (stands === 'old') result = write(result, step, step.was, step.to);
  }
  return result;
}

/** The text with all steps undone that still stand as we made them. @throws InputError where a line holds more than can be edited. */
function revertSteps(text: string, steps: readonly Step[]): string {
  let result = text;
  for (const step of [...steps].reverse())
    if (standing(parseUci(result), step) === 'new') result = write(result, step, step.to, step.was);
  return result;
}

function write(text: string, step: Step, from: UciValue | PeerSection, to: UciValue | PeerSection): string {
  if ('option' in step) return writeOption(text, step, to as UciValue);
  const tree = parseUci(text);
  const old = from as PeerSection | null;
  const next = to as PeerSection | null;
  const section = old && findPeer(tree, step.interface, old);
  if (section && next) return setOption(text, section.name, 'address', next.options.address as string);
  if (section) return removeSection(text, section.name);
  if (!next) return text;
  const isFree = next.name !== undefined && !tree.sections.some(({ name }) => name === next.name);
  return addSection(text, typeOf(step.interface), isFree ? next.name : undefined, next.options);
}

function writeOption(text: string, { section, option }: OptionStep, value: UciValue): string {
  const known = parseUci(text).sections.find(({ name }) => name === section);
  // the section itself is somebody else's to remove
  if (!known) return text;
  if (typeof value === 'object' && value) return setList(text, section, option, value);
  const isList = typeof known.options.get(option)?.value === 'object';
  const rest = isList || value === null ? removeOption(text, section, option) : text;
  return value === null ? rest : setOption(rest, section, option, value);
}

function nameOf(step: Step): string {
  return 'option' in step ? `${step.file}.${step.section}.${step.option}` : `network.${typeOf(step.interface)}.address`;
}

/**
 * Does all steps, or undoes all that still stand as we made them. Whoever writes a file at the same time may write back what he read
 * before: so the files are read once more after a rest, and what was lost is written again.
 * @throws InputError when somebody else set one of the options meanwhile, and steps were to be done; Error when a file cannot be read or
 * written, or does not rest. Of steps to be undone, all that can be are.
 */
export async function writeSteps(
  host: ChangeHost,
  directory: string,
  steps: readonly Step[],
  way: 'do' | 'undo',
): Promise<void> {
  const parts = CHANGED_FILES.map((name) => ({
    file: new UciFile(host.files, directory, name),
    own: steps.filter((step) => step.file === name),
  })).filter(({ own }) => own.length > 0);
  const change = way === 'do' ? applySteps : revertSteps;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    let failure: unknown;
    let wrote = false;
    for (const { file, own } of parts) {
      try {
        // one that is gone holds nothing of ours
        if (way === 'undo' && file.readText() === undefined) continue;
        wrote = file.edit((text) => change(text, own)) || wrote;
      } catch (error) {
        if (way === 'do') throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    if (!wrote) return;
    await new Promise<void>((resolve) => host.clock.after(REST_MS, resolve));
  }
  throw new Error(`${directory}: expected its files to rest, what was written was lost ${MAX_ATTEMPTS} times`);
}

/** The steps that are not as we made them, by path, each once. @throws Error when a file cannot be read. */
export function lostSteps(files: UciFiles, directory: string, steps: readonly Step[]): string[] {
  const lost = CHANGED_FILES.flatMap((name) => {
    const tree = new UciFile(files, directory, name).read() ?? { sections: [] };
    return steps.filter((step) => step.file === name && standing(tree, step) !== 'new').map(nameOf);
  });
  return [...new Set(lost)];
}

/** The files that steps are about. */
export function filesOf(steps: readonly Step[]): string[] {
  return CHANGED_FILES.filter((name) => steps.some(({ file }) => file === name));
}
