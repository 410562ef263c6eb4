// LuCI's own client from a checkout or an installed web root: where its files are, the page that boots it, and what it asks for itself.
// Source: luci-base (luci.js, cbi.js, dispatcher.uc) and luci-theme-bootstrap (header.ut, menu-bootstrap.js).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type MenuTree, SESSION } from './menu.ts';
import type { PageAnswer, PageCall } from './ubus.ts';

/** Directories that together are `/www` of a router. @throws Error when there is no LuCI. */
export function luciRoots(directory: string): string[] {
  if (existsSync(join(directory, 'luci-static/resources/luci.js'))) return [directory];
  const roots = ['modules/luci-base/htdocs', 'themes/luci-theme-bootstrap/htdocs'].map((name) => join(directory, name));
  const missing = roots.find((root) => !existsSync(join(root, 'luci-static')));
  if (missing) throw new Error(`${directory}: expected a LuCI checkout or an installed web root: no ${missing}`);
  return roots;
}

/** The document of one view, with LuCI's client and theme. */
export function luciPage(path: readonly string[], view: string): string {
  const env = {
    scriptname: '/cgi-bin/luci',
    resource: '/luci-static/resources',
    media: '/luci-static/bootstrap',
    documentroot: '/www',
    requestpath: path,
    dispatchpath: path,
    sessionid: SESSION,
    token: SESSION,
    // as for a page whose only group has no write permission
    nodespec: { satisfied: true, readonly: true, action: { type: 'view', path: view } },
    ubuspath: '/ubus/',
    pollinterval: 5,
  };
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>meshbridge</title>
<script>
const query = window.matchMedia('(prefers-color-scheme: dark)');
const setDark = () => document.documentElement.setAttribute('data-darkmode', query.matches);
query.addEventListener('change', setDark);
setDark();
</script>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/luci-static/bootstrap/cascade.css">
<link rel="stylesheet" media="only screen and (max-device-width: 854px)" href="/luci-static/bootstrap/mobile.css">
<script>window.TR = {};</script>
<script src="/luci-static/resources/cbi.js"></script>
</head>
<body class="lang_en" data-page="${path.join('-')}">
<header><a class="brand" href="/">router</a><ul class="nav" id="topmenu" style="display:none"></ul><div id="indicators" class="pull-right"></div></header>
<div id="maincontent" class="container">
<div id="tabmenu" style="display:none"></div>
<div id="view"><div class="spinning">Loading view…</div></div>
</div>
<footer><ul class="breadcrumb pull-right" id="modemenu" style="display:none"></ul></footer>
<script src="/luci-static/resources/luci.js?v=1"></script>
<script>
L = new LuCI(${JSON.stringify(env)});
L.require('ui').then((ui) => ui.instantiateView('${view}'));
L.require('menu-bootstrap');
</script>
</body>
</html>
`;
}

/** The menu as LuCI's client asks for it: ours alone. */
export function luciMenu(tree: MenuTree): object {
  return { children: { admin: { satisfied: true, title: 'Administration', children: tree } } };
}

/** What LuCI's client asks the bus for itself; `undefined`: it is the page's call. @throws Error on what no page of ours causes. */
export function answerLuci({ object, method, args }: PageCall): PageAnswer | undefined {
  switch (`${object}.${method}`) {
    case 'luci.getFeatures':
      return { status: 0, reply: {} };
    case 'session.access':
      return { status: 0, reply: { access: true } };
    case 'uci.changes':
      return { status: 0, reply: { changes: {} } };
    case 'uci.get':
      return args.config === 'luci' ? { status: 0, reply: { values: {} } } : undefined;
    default:
      return undefined;
  }
}
