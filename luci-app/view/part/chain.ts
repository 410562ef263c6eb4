// The chain from the wall to the mesh as a strip of checks, what each was seen by on demand.

import type { ChainLink, Check, CheckState } from '../../../src/api/model.ts';
import { duration } from './format.ts';
import { stateWord } from './health.ts';
import { Keyed, setContent } from './keyed.ts';
import { say } from './say.ts';

interface Step {
  root: HTMLElement;
  details: HTMLDetailsElement;
  badge: HTMLElement;
  evidence: HTMLElement;
  since: HTMLElement;
}

/** What a link of the chain is called. */
function linkName(link: string): string {
  const names: Record<ChainLink, string> = {
    line: _('Internet line'),
    dns: _('Name service'),
    clock: _('Clock'),
    yggdrasil: _('Yggdrasil'),
    peers: _('Peers'),
    tree: _('Tree'),
    internet: _('Internet'),
  };
  return names[link as ChainLink] ?? link;
}

function makeStep(link: string): Step {
  const badge = E('span', { class: 'mb-badge' });
  const evidence = E('p');
  const since = E('p', { class: 'mb-dim' });
  const details = E('details', [E('summary', [E('span', [linkName(link)]), ' ', badge]), evidence, since]);
  return { root: E('li', [details]), details, badge, evidence, since };
}

/** What is wrong opens by itself, once; whoever closes it has it closed. */
function fillStep({ root, details, badge, evidence, since }: Step, check: Check): void {
  const state = check.state as CheckState;
  if (root.dataset.health !== state) {
    root.dataset.health = state;
    details.open = state === 'bad' || state === 'weak';
  }
  setContent(badge, stateWord(state));
  setContent(evidence, say(check.words.evidence, check.values));
  evidence.hidden = check.words.evidence === '';
  setContent(since, _('For %s.').format(duration(check.since_s)));
}

/** The strip. */
export class Chain {
  readonly root = E('ol', { class: 'mb-chain', 'aria-label': _('From the line to the mesh') });
  private readonly steps = new Keyed<Step, Check>(this.root, makeStep, fillStep);

  /** Shows these checks, in this order. */
  update(checks: readonly Check[]): void {
    this.steps.update(new Map(checks.map((check) => [check.link, check])));
  }
}
