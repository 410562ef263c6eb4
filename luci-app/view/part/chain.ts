// A chain as a strip of links, from the wall to the mesh for one, what each was seen by on demand.

import type { ChainLink, Check, CheckState } from '../../../src/api/model.ts';
import { duration } from './format.ts';
import { stateWord } from './health.ts';
import { Keyed, setContent } from './keyed.ts';
import { say } from './say.ts';

/** One link of a chain, in words. */
export interface ChainStep {
  name: string;
  state: CheckState;
  /** What it was seen by; empty where there is nothing to say. */
  text: string;
  /** Empty where that is not told. */
  since: string;
}

interface Parts {
  root: HTMLElement;
  title: HTMLElement;
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

function makeStep(): Parts {
  const title = E('span');
  const badge = E('span', { class: 'mb-badge' });
  const evidence = E('p');
  const since = E('p', { class: 'mb-dim' });
  const details = E('details', [E('summary', [title, ' ', badge]), evidence, since]);
  return { root: E('li', [details]), title, details, badge, evidence, since };
}

/** What is wrong opens by itself, once; whoever closes it has it closed. */
function fillStep({ root, title, details, badge, evidence, since }: Parts, step: ChainStep, open: boolean): void {
  const { state } = step;
  if (root.dataset.health !== state) {
    root.dataset.health = state;
    details.open = open || state === 'bad' || state === 'weak';
  }
  setContent(title, step.name);
  setContent(badge, stateWord(state));
  setContent(evidence, step.text);
  evidence.hidden = step.text === '';
  setContent(since, step.since);
  since.hidden = step.since === '';
}

/** The strip. */
export class Chain {
  readonly root: HTMLElement;
  private readonly steps: Keyed<Parts, ChainStep>;

  /** @param label for screen readers. @param open whether what each link was seen by shows also where that is well. */
  constructor(label = _('From the line to the mesh'), open = false) {
    this.root = E('ol', { class: 'mb-chain', 'aria-label': label });
    this.steps = new Keyed(this.root, makeStep, (parts, step) => fillStep(parts, step, open));
  }

  /** Shows the checks of a verdict, in this order. */
  update(checks: readonly Check[]): void {
    this.show(
      checks.map(({ link, state, words, values, since_s: sinceS }) => ({
        name: linkName(link),
        state: state as CheckState,
        text: say(words.evidence, values),
        since: _('For %s.').format(duration(sinceS)),
      })),
    );
  }

  /** Shows these, in this order; names differ. */
  show(steps: readonly ChainStep[]): void {
    this.steps.update(new Map(steps.map((step) => [step.name, step])));
  }
}
