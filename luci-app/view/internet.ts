// The page Mesh > Internet: the way out through a gateway; what that means, how it is, the gateways, exceptions, and a test of it.

import view from 'luci:view';
import type { GatewayView, LeaseStatus, TestStatus } from '../../src/api/lease-object.ts';
import { makeControl, makeRescue } from './internet/control.ts';
import { makeGateway } from './internet/gateway.ts';
import { drawForm } from './internet/option.ts';
import { makeReport } from './internet/report.ts';
import { makeTest } from './internet/test.ts';
import { limitText, volumeText } from './internet/volume.ts';
import { wayOf } from './internet/way.ts';
import { told } from './more/text.ts';
import { card, Facts } from './part/card.ts';
import { Chain } from './part/chain.ts';
import { method, readStatus } from './part/daemon.ts';
import { bytes, duration } from './part/format.ts';
import type { Health } from './part/health.ts';
import { join } from './part/join.ts';
import { Keyed, setContent } from './part/keyed.ts';
import { Page } from './part/page.ts';
import { Refusal } from './part/refusal.ts';
import { readRights } from './part/rights.ts';
import { say } from './part/say.ts';

const POLL_S = 3;

const readLease = method('meshbridge.lease', 'status');
const readGateways = method('meshbridge.lease', 'gateways');
const readTest = method('meshbridge.lease', 'test_status');
const choose = method('meshbridge.lease', 'choose', ['gateway']);

interface Answer {
  /** Absent: neither a lease nor a gateway is in the configuration. */
  status?: LeaseStatus;
  gateways: readonly GatewayView[];
  test: TestStatus;
}

const NOTHING: Answer = { gateways: [], test: { running: false, steps: [] } };

/** Asks for all; where the object is not there, whether the daemon is. */
async function ask(): Promise<Answer> {
  try {
    const [status, { gateways }, test] = await Promise.all([
      readLease({}),
      // a router that makes no tunnels says so by its status
      readGateways({}).catch((error) => {
        if (error instanceof Refusal) return { gateways: [] };
        throw error;
      }),
      readTest({}),
    ]);
    return { status, gateways, test };
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) throw error;
    const { links } = await readStatus({});
    if (links.some(({ name, state }) => name === 'ubus' && state === 'up') && isAbsent(error)) return NOTHING;
    throw error;
  }
}

/** The object is not on the bus. */
function isAbsent(error: unknown): boolean {
  return /error -32000|ubus code 4/.test(String(error));
}

function healthOf({ state, id }: LeaseStatus): Health {
  const states: Record<string, Health> = {
    idle: id === 'undoing' ? 'unknown' : 'good',
    up: 'good',
    trial: 'weak',
    degraded: 'weak',
    waiting: 'weak',
    blocked: id === 'let_out' ? 'weak' : 'bad',
  };
  return states[state] ?? 'unknown';
}

/** What people have to know before. */
function makeNotice(): HTMLElement {
  return card(_('Before you switch it on'), [
    E('ul', { class: 'mb-list' }, [
      E('li', [
        _(
          'Everything that your devices send to the Internet then goes through a gateway, and appears there as coming from it. Your provider sees only that you use the mesh.',
        ),
      ]),
      E('li', [
        _(
          'Whoever runs the gateway sees what your provider sees today: which servers you talk to, when and how much. What is encrypted (https) stays closed to them, what is not does not. Use a gateway of people whom you trust.',
        ),
      ]),
      E('li', [
        _(
          'This is no immunity: you answer for what you do, the law stays as it is, and an operator can be made to tell what is known of you.',
        ),
      ]),
      E('li', [
        _(
          'Look into the contract of your Internet line: sharing it, or sending all of it through a tunnel, is not allowed everywhere.',
        ),
      ]),
      E('li', [
        _(
          'While no gateway serves, nothing goes out: that is how it is meant. You can let yourself out by your own line for a while, and make exceptions for devices.',
        ),
      ]),
    ]),
  ]);
}

/** The form, or why there is none. */
async function formOrFailure(): Promise<HTMLElement> {
  try {
    return await drawForm();
  } catch (error) {
    const [reason = ''] = String(error).split('\n', 1);
    return E('p', [_('The options cannot be shown: %s').format(reason)]);
  }
}

export default view.extend({
  async render() {
    const rights = await readRights();
    const refresh = (): void => void page.refresh();
    const notice = makeNotice();
    const control = makeControl(refresh);
    const test = makeTest(refresh);
    const report = makeReport();
    const chain = new Chain(_('From this home to the Internet'), true);
    const list = E('ul', { class: 'mb-list' });
    const prefer = async (gateway: string): Promise<string> => {
      await choose({ gateway });
      refresh();
      return _('Preferred until the daemon restarts.');
    };
    const gateways = new Keyed(
      list,
      () => makeGateway({ choose: rights.operate ? prefer : undefined }),
      (item, one: GatewayView) => item.fill(one),
    );
    const nobody = E('p', [_('No gateway is named yet.')]);
    const use = new Facts();
    const useCard = card(_('Use'), [use.root]);

    function show({ status, gateways: all, test: tested }: Answer): void {
      gateways.update(new Map(all.map((one) => [one.address, one])));
      nobody.hidden = all.length > 0;
      notice.hidden = status !== undefined && status.mode !== 'off';
      test.root.hidden = all.length === 0;
      test.update(tested);
      if (status) {
        tell(status);
        control.update(status, all.length);
        chain.show(wayOf(status, all));
      } else page.tell('good', _('The Internet is reached by the own line.'), _('To use a gateway, name one below.'));
      control.root.hidden = chain.root.hidden = status === undefined;
      showUse(status);
      report.show(status?.report, status?.gateway ?? '');
    }

    function tell(status: LeaseStatus): void {
      const { id, words, values, gateway = '', since_s: sinceS } = status;
      // what runs out is shown by itself, for a lead that changes is read aloud
      const sentence =
        id === 'trial'
          ? _('On trial: everything goes through %s.').format(told(gateway))
          : id === 'let_out'
            ? _('Devices go out by the own line, past the gateways.')
            : say(words.sentence, values);
      page.tell(healthOf(status), sentence, say(words.fix, values));
      setContent(page.aside, _('For %s.').format(duration(sinceS)));
    }

    function showUse(status: LeaseStatus | undefined): void {
      const { use: counted, lease_left_s: leftS, access_left_s: accessS, terms, quota, limits } = status ?? {};
      useCard.hidden = !terms;
      if (!terms) return;
      use.update([
        ...(counted
          ? ([
              [_('Received'), bytes(counted.rx_bytes)],
              [_('Sent'), bytes(counted.tx_bytes)],
              [_('Counted for'), duration(counted.since_s)],
            ] as const)
          : []),
        ...(quota ? ([[_('This month'), volumeText(quota)]] as const) : []),
        ...(limits && limitText(limits) !== '' ? ([[_('At most'), limitText(limits)]] as const) : []),
        [_('Lease'), leftS === undefined ? '' : _('renewed by itself; %s are left').format(duration(leftS))],
        ...(accessS === undefined ? [] : ([[_('Let in for'), duration(accessS)]] as const)),
        [_('Tunnel'), join([told(terms.kind), _('packets of %d bytes').format(terms.mtu)], ', ')],
        [_('Inner address'), join([told(terms.home4), told(terms.home6)], ', ')],
        [_('Names by'), terms.dns.slice(0, 4).map(told).join(', ')],
      ]);
    }

    const page = new Page<Answer>({
      title: _('Internet'),
      ask,
      show,
      seconds: POLL_S,
      loading: _('Looking how the way to the Internet is …'),
      ...(rights.operator && { rescue: makeRescue() }),
    });
    page.body.append(
      notice,
      control.root,
      report.root,
      chain.root,
      card(_('Gateways'), [nobody, list]),
      E('div', { class: 'mb-cards' }, [useCard, test.root]),
    );
    page.root.append(await formOrFailure());
    control.allow(rights);
    test.allow(rights.operate);
    return page.start();
  },
});
