// The page Mesh > Status: does the mesh work, which Yggdrasil interfaces are there, what is the daemon connected to, and what is unsafe.

import view from 'luci:view';
import type { Finding, InterfaceStatus, LinkStatus } from '../../src/api/model.ts';
import { readFindings, readStatus, type Status } from './part/daemon.ts';
import { describeFailure } from './part/failure.ts';
import { Page } from './part/page.ts';
import { faultOf, summarize } from './part/summary.ts';
import { type Row, Table } from './part/table.ts';

const POLL_S = 5;

function interfaceRow(one: InterfaceStatus): Row {
  const { peers_up: up, peers_total: total } = one;
  return {
    key: one.interface,
    cells: [
      one.interface,
      one.connected ? _('running') : _('not reached'),
      up === undefined || total === undefined ? '' : _('%d of %d up').format(up, total),
      one.address ?? '',
      one.build_version ?? '',
      faultOf(one)?.text ?? '',
    ],
  };
}

function linkState(state: string): string {
  switch (state) {
    case 'up':
      return _('connected');
    case 'connecting':
      return _('connecting');
    case 'waiting':
      return _('waiting to try again');
    case 'stopped':
      return _('stopped');
    default:
      return state;
  }
}

function linkRow(link: LinkStatus): Row {
  return {
    key: link.name,
    cells: [link.name, linkState(link.state), '%t'.format(link.since_s), link.endpoint, link.last_error ?? ''],
  };
}

function levelOf(level: string): string {
  switch (level) {
    case 'error':
      return _('Unsafe or broken');
    case 'warning':
      return _('Warning');
    default:
      return _('Note');
  }
}

function findingItem({ level, option, what, why, fix }: Finding): HTMLElement {
  return E('li', { class: 'mb-note', 'data-level': level }, [
    E('p', [E('strong', [levelOf(level), ': ']), what]),
    E('p', [why]),
    E('p', [fix]),
    E('p', [E('code', [option])]),
  ]);
}

class StatusPage {
  readonly page = new Page<Status>({
    title: _('Mesh status'),
    ask: () => readStatus({}),
    show: (status) => this.show(status),
    seconds: POLL_S,
  });
  private readonly configErrors = E('div', { class: 'mb-note', 'data-level': 'warning', role: 'alert', hidden: '' });
  private readonly interfaces = new Table(_('Yggdrasil interfaces'), [
    _('Interface'),
    _('State'),
    _('Peers'),
    _('Address'),
    _('Version'),
    _('What is wrong'),
  ]);
  private readonly links = new Table(_('Connections of the daemon'), [
    _('Connection'),
    _('State'),
    _('For'),
    _('To'),
    _('Last error'),
  ]);
  private readonly about = E('p');
  private readonly findings = E('div', { 'aria-live': 'polite' });
  /** The button stays enabled meanwhile: one that is disabled loses the focus. */
  private checking = false;

  constructor() {
    this.page.body.append(
      this.configErrors,
      E('h3', [_('Yggdrasil interfaces')]),
      this.interfaces.root,
      E('h3', [_('Connections of the daemon')]),
      this.links.root,
      this.about,
    );
    this.page.root.append(
      E('h3', [_('Safety check')]),
      this.findings,
      E('button', { class: 'btn cbi-button', type: 'button', click: () => void this.check() }, [_('Check again')]),
    );
  }

  /** Has the configuration checked and shows what was found. Never rejects. */
  async check(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    this.findings.replaceChildren(E('p', [_('Checking the configuration …')]));
    try {
      const { findings } = await readFindings({});
      this.findings.replaceChildren(
        findings.length === 0
          ? E('p', [_('Nothing unsafe was found.')])
          : E('ul', (findings as Finding[]).map(findingItem)),
      );
    } catch (error) {
      const { what, fix } = describeFailure(error);
      this.findings.replaceChildren(E('p', [_('The configuration was not checked.'), ' ', what, ' ', fix]));
    } finally {
      this.checking = false;
    }
  }

  private show(status: Status): void {
    const { health, text, fix } = summarize(status.interfaces);
    this.interfaces.update(status.interfaces.map(interfaceRow));
    this.links.update(status.links.map(linkRow));
    this.configErrors.hidden = status.config_errors.length === 0;
    if (!this.configErrors.hidden)
      this.configErrors.replaceChildren(
        E('p', [_('The configuration of the daemon has errors; the last good one stays in force.')]),
        E(
          'ul',
          status.config_errors.map((line) => E('li', [line])),
        ),
      );
    this.about.textContent = _('meshbridge %s, running for %t').format(status.version, status.uptime_s);
    this.page.tell(health, text, fix);
  }
}

export default view.extend({
  handleSave: null,
  handleSaveApply: null,
  handleReset: null,
  render() {
    const status = new StatusPage();
    void status.check();
    return status.page.start();
  },
});
