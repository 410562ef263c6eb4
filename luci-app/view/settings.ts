// The page Mesh > Settings: what is unsafe, the login of the household, what the daemon is connected to, and its options.

import view from 'luci:view';
import { actButton } from './part/act.ts';
import { card } from './part/card.ts';
import { method, readStatus, type Status } from './part/daemon.ts';
import { duration } from './part/format.ts';
import { Keyed } from './part/keyed.ts';
import { Page } from './part/page.ts';
import { readRights } from './part/rights.ts';
import { Table } from './part/table.ts';
import { makeCheck } from './settings/check.ts';
import { makeUpload } from './settings/list.ts';
import { makeLogin } from './settings/login.ts';
import { drawOptions } from './settings/option.ts';

const POLL_S = 5;

const restart = method('meshbridge.helper', 'interface_restart', ['interface'], true);

function restartButton(name: string): { root: HTMLElement } {
  const work = async (): Promise<string> => {
    await restart({ interface: name });
    return _('Restarted.');
  };
  const confirm = _('All its peerings break for some seconds, and so does a way here through the mesh.');
  return { root: actButton(_('Restart %s').format(name), work, { confirm }) };
}

/** The form, or why there is none. */
async function optionsOrFailure(): Promise<HTMLElement> {
  try {
    return await drawOptions();
  } catch (error) {
    const [reason = ''] = String(error).split('\n', 1);
    return E('p', [
      /ubus code 6\b/.test(reason)
        ? _('The options hold passwords: only logins that may change them see them.')
        : _('The options cannot be shown: %s').format(reason),
    ]);
  }
}

export default view.extend({
  async render() {
    const check = makeCheck();
    const login = makeLogin();
    const upload = makeUpload();
    const about = E('p');
    const links = new Table(_('Connections'), [_('Connection'), _('State'), _('For'), _('To'), _('Last error')]);
    const row = E('div', { class: 'mb-row', hidden: '' });
    const restarts = new Keyed(row, restartButton, () => {});
    upload.hidden = true;

    const page = new Page<Status>({
      title: _('Settings'),
      ask: () => readStatus({}),
      show(status) {
        about.textContent = _('meshbridge %s, running for %s').format(status.version, duration(status.uptime_s));
        links.update(
          status.links.map(({ name, state, since_s, endpoint, last_error = '' }) => ({
            key: name,
            cells: [
              name,
              state === 'up' ? _('connected') : _('not connected'),
              duration(since_s),
              endpoint,
              last_error,
            ],
          })),
        );
        restarts.update(new Map(status.interfaces.map((one) => [one.interface, undefined])));
        if (status.config_errors.length > 0)
          page.tell(
            'weak',
            _('The options have mistakes; the last good ones stay in force. Correct them below.'),
            status.config_errors.join(' · '),
          );
      },
      seconds: POLL_S,
    });
    page.body.before(check.root, login.root);
    page.body.append(card(_('Mesh daemon'), [about, links.root, row]));
    page.root.append(upload, await optionsOrFailure());

    void check.run();
    void readRights().then(({ operate, operator }) => {
      // the daemon must be told that there is a new list
      upload.hidden = !operate || !operator;
      if (!operator) return;
      row.hidden = false;
      check.allowFixing();
      void login.start();
    });
    return page.start();
  },
});
