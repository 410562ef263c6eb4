// The form over /etc/config/meshbridge, but for what the page Telemetry changes. src/config.ts decides in the end what an option takes; a test holds the two together.

import form, { type NamedSection } from 'luci:form';
import uci from 'luci:uci';

const PACKAGE = 'meshbridge';
const MAIN = 'main';

type Fits = (text: string) => boolean;

function flag(section: NamedSection, name: string, normal: '0' | '1', title: Translated, hint?: Translated): void {
  section.option(form.Flag, name, title, hint).default = normal;
}

/** @param hint what it takes; said again of a text that does not fit. */
function value(
  section: NamedSection,
  name: string,
  normal: string,
  title: Translated,
  hint: Translated,
  fits: Fits,
): void {
  const made = section.option(form.Value, name, title, hint);
  made.placeholder = normal;
  made.validate = (_section, text) => text === '' || fits(text) || hint;
}

function whole(least: number, most: number): Fits {
  return (text) => /^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most;
}

const isPath: Fits = (text) => /^\/[ -~\xa0-\u{10ffff}]{1,255}$/u.test(text);
const isEndpoint: Fits = (text) =>
  /^(unix:\/\/[/@].{1,106}|(tcp:\/\/)?(\[[\da-f:.]+(%[\w.-]+)?\]|\w[\w.-]*):\d{1,5})$/i.test(text);

/** LuCI has no names for screen readers at boxes to tick and where a section is added, and draws a form anew when it was saved. */
function nameFields(root: HTMLElement): void {
  const name = (): void => {
    for (const row of root.querySelectorAll('.cbi-value'))
      for (const field of row.querySelectorAll('input, select'))
        field.setAttribute('aria-label', row.querySelector('.cbi-value-title')!.textContent!.trim());
    root.querySelector('.cbi-section-create-name')?.setAttribute('aria-label', _('Interface'));
  };
  new MutationObserver(name).observe(root, { childList: true, subtree: true });
  name();
}

/** Draws it. @throws (rejects) as LuCI's client, when the file is not there or may not be read. */
export async function drawOptions(): Promise<HTMLElement> {
  await uci.load(PACKAGE);
  if (!uci.get(PACKAGE, MAIN)) uci.add(PACKAGE, PACKAGE, MAIN);
  const map = new form.Map(PACKAGE, _('Options'));

  const main = map.section(form.NamedSection, MAIN, PACKAGE);
  flag(main, 'adviser', '0', _('Choose public peers'), _('Measures those of the list and keeps at most three.'));
  flag(main, 'probe', '1', _('Ask silent peers'), _('Whether they are still there, while somebody looks.'));
  const log = main.option(form.ListValue, 'log_level', _('Log'));
  log.default = 'info';
  for (const level of ['error', 'warn', 'info', 'debug']) log.value(level, level);
  value(main, 'poll_brisk', '2', _('Ask Yggdrasil every'), _('1 to 60 seconds, while somebody looks'), whole(1, 60));
  value(main, 'poll_idle', '30', _('At rest, every'), _('5 to 3600 seconds'), whole(5, 3600));
  flag(main, 'discover', '1', _('Find Yggdrasil by itself'));
  value(main, 'socket_dir', '/tmp/yggdrasil', _('Sockets of Yggdrasil'), _('Full path of a directory'), isPath);
  const memory = _('Full path of a directory, best in RAM');
  value(main, 'state_dir', '/var/run/meshbridge', _('Memory of trials'), memory, isPath);
  value(main, 'ubus_socket', '/var/run/ubus/ubus.sock', _('Socket of ubus'), _('Full path'), isPath);

  const interfaces = map.section(
    form.TypedSection,
    'interface',
    _('Yggdrasil that is not found by itself'),
    _('Named like its interface; at most four.'),
  );
  interfaces.addremove = true;
  const endpoint = _('unix:///path, unix://@name or tcp://host:port');
  value(interfaces, 'socket', 'unix:///tmp/yggdrasil/ygg0.sock', _('Admin socket'), endpoint, isEndpoint);
  flag(interfaces, 'enabled', '1', _('In use'));
  const root = await map.render();
  nameFields(root);
  return root;
}
