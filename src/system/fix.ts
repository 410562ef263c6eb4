// Puts right what the lint found, where that takes one section of one file and cannot cut anybody off; `does` in mesh/lint-finding.ts says
// in words what the table below does.

import { InputError } from '../errors.ts';
import { mergeNodeInfo } from '../lib/node-info.ts';
import { parseUci, removeOption, removeSection, setOption } from '../lib/uci.ts';
import { fillWords } from '../lib/words.ts';
import { lint } from '../mesh/lint.ts';
import { type LintFacts, type Placed, placedSections, textOf } from '../mesh/lint-fact.ts';
import type { FindingId } from '../mesh/lint-finding.ts';
import { type FactsHost, readRouterFacts } from './router-facts.ts';
import { callUbus } from './ubus-program.ts';
import { fromRaw, toRaw, UciFile, type UciFiles } from './uci-file.ts';

/** The part of the port that is needed here. */
export interface FixHost extends FactsHost {
  readonly files: UciFiles;
}

/** An option's new value: a text, one made of the old one, or `null` for none. */
type Change = string | null | ((old: string) => string);

/** What becomes of the options of the section that a finding names; `'remove'`: the section itself goes. */
const FIXES: { readonly [id in FindingId]?: Readonly<Record<string, Change>> | 'remove' } = {
  empty_private_key: { private_key: 'auto' },
  public_key_mismatch: { public_key: null },
  dropped_node_info: { node_info: (old) => mergeNodeInfo(old) },
  idle_multicast: { beacon: '1', listen: '1' },
  bad_multicast_port: { port: null },
  duplicate_peer: 'remove',
  no_autostart: { auto: null },
  open_default_forward: { forward: 'REJECT' },
  loose_forward: { forward: 'REJECT' },
};

/** Ids of the findings that can be put right. */
export const FIXABLE = Object.keys(FIXES) as FindingId[];

/**
 * Puts one finding right, when the lint finds it now, and has the firewall loaded anew where its file changed.
 * @param directory of the UCI files.
 * @returns what it did, in one sentence.
 * @throws InputError when it is not there, or not fixable; Error when a file cannot be edited, or procd not be told.
 */
export async function applyFix(host: FixHost, directory: string, id: string, option: string): Promise<string> {
  const facts = await readRouterFacts(host, directory);
  const file = option.startsWith('firewall.') ? 'firewall' : 'network';
  let done = '';
  new UciFile(host.files, directory, file).edit((text) => {
    const now: LintFacts = { ...facts, [file]: { state: 'read', tree: parseUci(fromRaw(text)) } };
    const finding = lint(now).find((one) => one.id === id && one.option === option && one.fixable);
    const section = finding && sectionAt(now, file, option);
    const fix = FIXES[id as FindingId];
    if (!finding || !section || !fix)
      throw new InputError('id: expected a finding that is there now and can be put right, got none', 'id');
    done = fillWords(finding.words.does!, finding.values as Record<string, string | number>);
    return fix === 'remove' ? removeSection(text, section.name) : changeOptions(text, section, fix);
  });
  if (file === 'firewall') await loadFirewall(host);
  return done;
}

/** Tells procd what rpcd tells it when somebody saves the firewall in LuCI. */
async function loadFirewall(host: FixHost): Promise<void> {
  try {
    await callUbus(host, 'service', 'event', { type: 'config.change', data: { package: 'firewall' } });
  } catch (cause) {
    throw new Error('firewall: changed but not loaded, run: /etc/init.d/firewall reload', { cause });
  }
}

function sectionAt(facts: LintFacts, file: 'network' | 'firewall', option: string): Placed | undefined {
  const sections = [...placedSections(file, facts[file]).values()].flat();
  return sections.find(({ place }) => option === place || option.startsWith(`${place}.`));
}

function changeOptions(text: string, section: Placed, fix: Readonly<Record<string, Change>>): string {
  let result = text;
  for (const [option, change] of Object.entries(fix)) {
    const isList = typeof section.options.get(option)?.value === 'object';
    if (change === null || isList) result = removeOption(result, section.name, option);
    if (change === null) continue;
    const value = typeof change === 'string' ? change : change(textOf(section, option));
    result = setOption(result, section.name, option, toRaw(value));
  }
  return result;
}
