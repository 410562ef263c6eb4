// The page Mesh > Peers: every link as Yggdrasil claims it and as it was proven, what is wrong with it, and all that can be done about it.

import poll from 'luci:poll';
import view from 'luci:view';
import type { ConfiguredInterface } from '../../src/api/helper.ts';
import type { Candidate, Peer } from '../../src/api/model.ts';
import { card } from './part/card.ts';
import { method, type Reply, readStatus } from './part/daemon.ts';
import { describeFailure } from './part/failure.ts';
import { Keyed, setContent } from './part/keyed.ts';
import { Page } from './part/page.ts';
import { type Rights, readRights } from './part/rights.ts';
import { makeAdvice } from './peers/advice.ts';
import { carryOut } from './peers/command.ts';
import { makeForm } from './peers/form.ts';
import { type Item, makeItem } from './peers/item.ts';
import { type Line, linesOf, summaryOf } from './peers/line.ts';

const POLL_S = 5;
/** The adviser takes its time. */
const ADVICE_S = 60;
/** From so many on, there is a field to look for some. */
const MANY = 8;

type Answer = Reply<'yggdrasil', 'peers'>;

const readPeers = method('yggdrasil', 'peers', ['interface']);
/** On its own, for it runs a program on the router. */
const readNetwork = method('meshbridge.helper', 'network_read', [], true);

function holds({ title, remote, badge, peer }: Line, wanted: string): boolean {
  return [title, remote, badge, peer?.key, peer?.address].some((text) => text?.toLowerCase().includes(wanted));
}

function startPage(): HTMLElement {
  let rights: Rights = { operate: false, operator: false };
  let chosen: string | undefined;
  let network: readonly ConfiguredInterface[] | undefined;
  let answer: Answer | undefined;
  let receivedAtMs = 0;
  let advising = false;
  let candidates: readonly Candidate[] = [];
  const items = new Map<string, Item>();
  const choice = E('select', { class: 'cbi-input-select', change: () => choose() });
  const choiceLine = E('label', { class: 'mb-field', hidden: '' }, [_('Interface'), ' ', choice]);
  const hint = E('p', { class: 'mb-dim' });
  const filter = E('input', { class: 'cbi-input-text', type: 'search', input: () => draw() });
  const filterLine = E('label', { class: 'mb-field', hidden: '' }, [_('Show only what contains'), filter]);
  const found = E('p', { class: 'mb-dim', role: 'status' });
  const list = E('ul', { class: 'mb-peers' });
  const done = E('p', { class: 'mb-done', role: 'status' });
  const form = makeForm(() => answer?.interface ?? '', tell);
  const adding = card(_('Add a peer'), [form.root]);
  const advice = makeAdvice(async (told) => {
    await readAdvice();
    await tell(told);
  });
  const keyed = new Keyed<Item, Line>(
    list,
    (key) => {
      const item = makeItem(async (action, line, priority) =>
        tell(await carryOut(action, line, answer!.interface, priority)),
      );
      items.set(key, item);
      return item;
    },
    (item, line) => item.fill(line, endOf(line.peer)),
  );
  const page = new Page<Answer>({
    title: _('Peers'),
    seconds: POLL_S,
    ask: () => readPeers(chosen === undefined ? {} : { interface: chosen }),
    show: (next) => {
      answer = next;
      receivedAtMs = Date.now();
      draw();
    },
  });
  adding.hidden = true;
  page.body.append(
    choiceLine,
    hint,
    filterLine,
    found,
    list,
    done,
    E('div', { class: 'mb-cards mb-below' }, [adding, advice.root]),
  );

  function endOf(peer: Peer | undefined): number | undefined {
    if (peer?.trial_left_s === undefined) return undefined;
    return receivedAtMs - answer!.age_ms + peer.trial_left_s * 1000;
  }

  /** What is asked for once: what this login may do, which interfaces there are, what the adviser does. */
  async function prepare(): Promise<void> {
    void readInterfaces();
    rights = await readRights();
    adding.hidden = !rights.operate;
    form.allowKeeping(rights.operator);
    if (!rights.operate)
      hint.textContent = _(
        'You may look, but change nothing here: that takes a login with the right “luci-app-meshbridge-operate”.',
      );
    await Promise.all([readAdvice(), readConfiguration()]);
    draw();
  }

  async function readInterfaces(): Promise<void> {
    try {
      const { interfaces } = await readStatus({});
      choice.replaceChildren(...interfaces.map(({ interface: name }) => E('option', { value: name }, [name])));
      choiceLine.hidden = interfaces.length < 2;
    } catch {
      // then there is no choice; what is wrong, the page says already
    }
  }

  function choose(): void {
    chosen = choice.value;
    void page.refresh();
  }

  async function readAdvice(): Promise<void> {
    const status = await advice.refresh(rights.operate);
    advising = status?.enabled === true;
    candidates = status?.candidates ?? [];
  }

  /** Only root's helper can read it, and only operators may call that. */
  async function readConfiguration(): Promise<void> {
    if (!rights.operator) return;
    try {
      network = (await readNetwork({})).interfaces ?? [];
      hint.textContent = '';
    } catch (error) {
      network = undefined;
      hint.textContent = _('What the configuration says is not known: %s').format(describeFailure(error).what);
    }
  }

  /** Says what was done, and shows what came of it. */
  async function tell(text: string): Promise<void> {
    done.textContent = text;
    await Promise.all([page.refresh(), readConfiguration()]);
    draw();
  }

  function draw(): void {
    if (!answer) return;
    const { interface: name, peers, left_out: leftOut = 0 } = answer;
    const configured = network?.find((one) => one.interface === name)?.peers;
    const lines = linesOf(peers as Peer[], { rights, configured, candidates });
    const { health, text, fix } = summaryOf(lines);
    page.tell(health, text, fix);
    filterLine.hidden = lines.length < MANY;
    const wanted = filter.value.trim().toLowerCase();
    const shown = wanted ? lines.filter((line) => holds(line, wanted)) : lines;
    const counts = wanted ? [N_(shown.length, '%d peer is shown.', '%d peers are shown.').format(shown.length)] : [];
    if (leftOut > 0) counts.push(_('%d more do not fit into one answer of the router.').format(leftOut));
    setContent(found, counts.join(' '));
    const focused = document.activeElement;
    const byKey = new Map(shown.map((line) => [line.key, line]));
    keyed.update(byKey);
    for (const key of items.keys()) if (!byKey.has(key)) items.delete(key);
    // what is moved loses the focus
    if (focused instanceof HTMLElement && focused !== document.activeElement && list.contains(focused))
      focused.focus({ preventScroll: true });
  }

  void prepare();
  poll.add(async () => {
    for (const item of items.values()) item.tick();
  }, 1);
  poll.add(async () => {
    if (!advising) return;
    await readAdvice();
    draw();
  }, ADVICE_S);
  return page.start();
}

export default view.extend({
  handleSave: null,
  handleSaveApply: null,
  handleReset: null,
  render: startPage,
});
