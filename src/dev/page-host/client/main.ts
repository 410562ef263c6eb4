// A stand-in for LuCI's client that runs one view: what our pages use of it, as it behaves, and an error on everything else.
// Source: luci-base, resources/luci.js, rpc.js and cbi.js. Text that LuCI would parse as HTML, and calls that hide failures, are refused.

import { start } from '../../../page-host/client/start.ts';
import { strict } from '../../../page-host/client/strict.ts';
import { form } from './form.ts';
import { uci } from './uci.ts';
import { ui } from './ui.ts';
import { show, type View } from './view.ts';

void start(
  {
    uci: strict('uci', uci),
    ui: strict('ui', { ...ui, changes: strict('ui.changes', ui.changes) }),
    form: strict('form', form),
  },
  (view) => show(view as View),
);
