// The switch of the page Internet: what can be done about the lease in each of its states, and the times that run out.

import type { LeaseStatus } from '../../../src/api/lease-object.ts';
import { Countdown } from '../more/countdown.ts';
import { actButton } from '../part/act.ts';
import { card } from '../part/card.ts';
import { method } from '../part/daemon.ts';
import type { Rights } from '../part/rights.ts';

const connect = method('meshbridge.lease', 'connect', ['gateway', 'seconds']);
const confirm = method('meshbridge.lease', 'confirm');
const undo = method('meshbridge.lease', 'undo');
const release = method('meshbridge.lease', 'release');
const letOut = method('meshbridge.lease', 'let_out', ['seconds']);
const askAgain = method('meshbridge.lease', 'ask');
/** By root's helper, which needs no daemon. */
const undoRoute = method('meshbridge.helper', 'route_undo', [], true);

/** Time enough to find out that one has locked oneself out, short enough to wait for. */
const TRIAL_S = 90;
const LET_OUT_MIN = [5, 15, 60] as const;

export interface Control {
  root: HTMLElement;
  /** Hidden without the right. */
  allow(rights: Rights): void;
  update(status: LeaseStatus, gateways: number): void;
}

/** The way back to the own line where the daemon does not answer; the kill switch stays without it. */
export function makeRescue(): HTMLElement {
  return card(_('Back to the own line'), [
    E('p', [
      _(
        'If this home uses a gateway, nothing goes out while the daemon does not run: that is how it is meant. Without it, too, the own line can be given back.',
      ),
    ]),
    actButton(
      _('Give the own line back'),
      async () => {
        await undoRoute({});
        return _('Off: the own line serves again.');
      },
      { kind: 'negative', confirm: _('Everything goes out by your own line again, now and after a restart.') },
    ),
  ]);
}

/** Makes it. @param changed something was done: the page asks anew. */
export function makeControl(changed: () => void): Control {
  const does = (work: () => Promise<string>) => async (): Promise<string> => {
    const said = await work();
    changed();
    return said;
  };
  const time = E('select', { class: 'cbi-input-select', 'aria-label': _('For how long') }, [
    ...LET_OUT_MIN.map((min) => E('option', { value: min }, [N_(min, '%d minute', '%d minutes').format(min)])),
  ]);
  const trial = new Countdown((left) => _('Undone in %d seconds, unless you confirm.').format(left));
  const out = new Countdown((left) =>
    _('Devices go out by the own line for %d more seconds: your provider sees where they go.').format(left),
  );
  const parts = {
    begin: E('p', { class: 'mb-act' }, [
      actButton(
        _('Switch on, as a trial'),
        does(async () => {
          await connect({ seconds: TRIAL_S });
          return _('The gateways are being asked. The trial lasts %d seconds once the tunnel stands.').format(TRIAL_S);
        }),
        { kind: 'positive' },
      ),
    ]),
    nobody: E('p', [_('First name a gateway, below.')]),
    confirm: actButton(
      _('Confirm'),
      does(async () => {
        await confirm({});
        return _('Kept, also when the router restarts.');
      }),
      { kind: 'positive' },
    ),
    undo: actButton(
      _('Undo'),
      does(async () => {
        await undo({});
        return _('It is being undone.');
      }),
    ),
    letOut: E('div', { class: 'mb-row' }, [
      time,
      actButton(
        _('Let me out by my own line'),
        does(async () => {
          await letOut({ seconds: 60 * Number(time.value) });
          return _('The own line is open.');
        }),
        { confirm: _('Until the time is over, devices use your own line: your provider sees where they go.') },
      ),
    ]),
    close: actButton(
      _('Close the own line again'),
      does(async () => {
        await letOut({ seconds: 0 });
        return _('Closed.');
      }),
      { kind: 'action' },
    ),
    ask: actButton(
      _('Ask all gateways again'),
      does(async () => {
        await askAgain({});
        return _('They are being asked.');
      }),
    ),
    release: actButton(
      _('Switch off'),
      does(async () => {
        await release({});
        return _('Off: the own line serves again.');
      }),
      { kind: 'negative', confirm: _('Everything goes out by your own line again, now and after a restart.') },
    ),
  };
  const root = E('div', { class: 'mb-control' }, [trial.root, out.root, ...Object.values(parts)]);
  let rights: Rights = { operate: false, operator: false };
  let known: { status: LeaseStatus; gateways: number } | undefined;

  function show(): void {
    if (!known) return;
    const { mode, trial_left_s: trialS, let_out_left_s: outS } = known.status;
    const { operate, operator } = rights;
    const wanted: Record<keyof typeof parts, boolean> = {
      begin: operate && mode === 'off' && known.gateways > 0,
      nobody: mode === 'off' && known.gateways === 0,
      confirm: operator && mode === 'trial' && trialS !== undefined,
      undo: operate && mode === 'trial',
      letOut: operate && mode === 'kept' && outS === undefined,
      close: operate && outS !== undefined,
      ask: operate && mode !== 'off',
      release: operator && mode === 'kept',
    };
    for (const [name, part] of Object.entries(parts)) part.hidden = !wanted[name as keyof typeof parts];
    trial.update(trialS);
    out.update(outS);
  }

  return {
    root,
    allow(given) {
      rights = given;
      show();
    },
    update(status, gateways) {
      known = { status, gateways };
      show();
    },
  };
}
