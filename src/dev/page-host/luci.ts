// LuCI's own client from a checkout or an installed web root: where its files are, the page that boots it, and what it asks for itself.
// Source: luci-base (luci.js, cbi.js, dispatcher.uc) and luci-theme-bootstrap (header.ut, menu-bootstrap.js).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ViewPage } from '../../page-host/page.ts';
import type { MenuTree } from './menu.ts';

/** Directories that together are `/www` of a router. @throws Error when there is no LuCI. */
export function luciRoots(directory: string): string[] {
  if (existsSync(join(directory, 'luci-static/resources/luci.js'))) return [directory];
  const roots = ['modules/luci-base/htdocs', 'themes/luci-theme-bootstrap/htdocs'].map((name) => join(directory, name));
  const missing = roots.find((root) => !existsSync(join(root, 'luci-static')));
  if (missing) throw new Error(`${directory}: expected a LuCI checkout or an installed web root: no ${missing}`);
  return roots;
}

/** Seconds, as LuCI's `apply` section has them: how long a router may take to be back, how long each try and the last word. */
const APPLY = { apply_holdoff: 1, apply_timeout: 5, apply_display: 1.5 };

/** The document of one view, with LuCI's client and theme. @param nonce of its inline scripts. */
export function luciPage(
  { view, path: page, session, token, rollbackS, language }: ViewPage,
  readonly: boolean,
  nonce: string,
): string {
  const path = page.split('/');
  const env = {
    scriptname: '/cgi-bin/luci',
    resource: '/luci-static/resources',
    media: '/luci-static/bootstrap',
    documentroot: '/www',
    requestpath: path,
    dispatchpath: path,
    sessionid: session,
    token,
    nodespec: { satisfied: true, readonly, action: { type: 'view', path: view } },
    ubuspath: '/ubus/',
    pollinterval: 5,
    apply_rollback: rollbackS,
    ...APPLY,
  };
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<title>meshbridge</title>
<script nonce="${nonce}">
const query = window.matchMedia('(prefers-color-scheme: dark)');
const setDark = () => document.documentElement.setAttribute('data-darkmode', query.matches);
query.addEventListener('change', setDark);
setDark();
</script>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/luci-static/bootstrap/cascade.css">
<link rel="stylesheet" media="only screen and (max-device-width: 854px)" href="/luci-static/bootstrap/mobile.css">
<script src="/cgi-bin/luci/admin/translations/${language}"></script>
<script src="/luci-static/resources/cbi.js"></script>
</head>
<body class="lang_${language}" data-page="${path.join('-')}">
<header><a class="brand" href="/">router</a><ul class="nav" id="topmenu" style="display:none"></ul><div id="indicators" class="pull-right"></div></header>
<div id="maincontent" class="container">
<div id="tabmenu" style="display:none"></div>
<div id="view"><div class="spinning">Loading view…</div></div>
</div>
<footer><ul class="breadcrumb pull-right" id="modemenu" style="display:none"></ul></footer>
<script src="/luci-static/resources/luci.js?v=1"></script>
<script nonce="${nonce}">
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
  const logout = { satisfied: true, title: 'Log out', order: 999, action: { type: 'function' } };
  return { children: { admin: { satisfied: true, title: 'Administration', children: { ...tree, logout } } } };
}
