// The documents of a host of pages itself: a view in our client, and the login.

import { STYLE } from './style.ts';

/** What a document of a view is made of. */
export interface ViewPage {
  /** The view, and the path that shows it. */
  view: string;
  path: string;
  session: string;
  token: string;
  /** Seconds until changes that nobody confirmed are taken back. */
  rollbackS: number;
  language: string;
  /** What the machine is called, where that is said. */
  brand?: string;
  menu: readonly { path: string; title: string }[];
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ESCAPES[char]!);
}

function html(language: string, head: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<title>meshbridge</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${STYLE}</style>
${head}</head>
<body>
${body}</body>
</html>
`;
}

/** The document of one view. */
export function viewPage({ view, path, session, token, rollbackS, language, brand, menu }: ViewPage): string {
  const env = escaped(JSON.stringify({ view, session, token, rollbackS }));
  const links = menu.map((one) => {
    const current = one.path === path ? ' aria-current="page"' : '';
    return `<li><a href="/cgi-bin/luci/${escaped(one.path)}"${current}>${escaped(one.title)}</a></li>\n`;
  });
  return html(
    language,
    `<script src="/cgi-bin/luci/admin/translations/${escaped(language)}"></script>
<script src="/client.js" data-env="${env}" defer></script>
`,
    `<header>
${brand === undefined ? '' : `<strong>${escaped(brand)}</strong>\n`}<nav><ul id="topmenu">
${links.join('')}</ul></nav>
<div id="indicators"></div>
<form method="post" action="/logout"><button class="btn">Log out</button></form>
</header>
<main id="maincontent"><div id="view">Loading view…</div></main>
`,
  );
}

/** What the form to log in is made of. */
export interface LoginPage {
  /** The path to go to afterwards. */
  to: string;
  /** The last try did not do. */
  failed: boolean;
  /** Where there is only one login: where its password is found. */
  hint?: string;
}

/** The form to log in with. */
export function loginPage({ to, failed, hint }: LoginPage): string {
  const wrong = hint === undefined ? 'Wrong user name or password.' : 'Wrong password.';
  const name =
    hint === undefined
      ? '<p><label>User name <input name="username" value="root" autocomplete="username" required></label></p>'
      : `<p>${escaped(hint)}</p>`;
  return html(
    'en',
    '',
    `<main class="login">
<h1>meshbridge</h1>
${failed ? `<p class="alert-message warning" role="alert">${wrong}</p>\n` : ''}<form method="post" action="/login">
<input type="hidden" name="to" value="${escaped(to)}">
${name}
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button class="btn cbi-button-positive">Log in</button></p>
</form>
</main>
`,
  );
}

/** Goes on to a path from within this site: a browser sends no strict cookie along a redirection that began elsewhere. */
export function forwardPage(path: string): string {
  return html('en', `<meta http-equiv="refresh" content="0;url=${escaped(path)}">\n`, '');
}
