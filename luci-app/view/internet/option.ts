// The form for gateways and exceptions, over /etc/config/meshbridge. src/lease-option.ts decides in the end what an option takes; a test
// holds the two together.

import form, { type NamedSection, type TypedSection } from 'luci:form';
import uci from 'luci:uci';
import { canonicalIp, parsePrefix } from '../../../src/lib/ip.ts';
import { nodeAddress } from '../../../src/lib/yggdrasil-address.ts';

const PACKAGE = 'meshbridge';
const HOME = 'home';
const PREFERENCES = 10;

type Fits = (text: string) => boolean;

function value(section: NamedSection | TypedSection, name: string, title: Translated, hint: Translated, fits: Fits) {
  const made = section.option(form.Value, name, title, hint);
  made.validate = (_section, text) => text === '' || fits(text) || hint;
  return made;
}

const isKey: Fits = (text) => /^[0-9a-f]{64}$/i.test(text);
const isAddress: Fits = (text) => nodeAddress(text) !== undefined;
const isPort: Fits = (text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
const isText: Fits = (text) => text.length <= 256;
const isDevice: Fits = (text) =>
  /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) || canonicalIp(text) !== undefined || parsePrefix(text) !== undefined;

/** LuCI has no names for screen readers at boxes to tick and where a section is added, and draws a form anew when it was saved. */
function nameFields(root: HTMLElement): void {
  const name = (): void => {
    for (const row of root.querySelectorAll('.cbi-value'))
      for (const field of row.querySelectorAll('input, select'))
        field.setAttribute('aria-label', row.querySelector('.cbi-value-title')!.textContent!.trim());
    root.querySelector('.cbi-section-create-name')?.setAttribute('aria-label', _('Name of the gateway'));
  };
  new MutationObserver(name).observe(root, { childList: true, subtree: true });
  name();
}

/** Draws it. @throws (rejects) as LuCI's client, when the file is not there or may not be read. */
export async function drawForm(): Promise<HTMLElement> {
  await uci.load(PACKAGE);
  if (!uci.get(PACKAGE, HOME)) uci.add(PACKAGE, 'lease', HOME);
  const map = new form.Map(PACKAGE, _('Gateways and exceptions'));

  const gateways = map.section(
    form.TypedSection,
    'gateway',
    _('Gateways'),
    _('What its operator gave you: the key, or the address in the mesh. At most 16.'),
  );
  gateways.addremove = true;
  value(gateways, 'key', _('Key'), _('64 digits and letters from a to f'), isKey);
  value(gateways, 'address', _('Address in the mesh'), _('Where the key is not known: it begins with 2'), isAddress);
  const order = gateways.option(
    form.ListValue,
    'preference',
    _('Order'),
    _('The lowest number first; of equal ones, the nearer and less busy one.'),
  );
  order.default = '0';
  for (let i = 0; i < PREFERENCES; i++) order.value(String(i), String(i));
  value(gateways, 'port', _('Port'), _('1 to 65535'), isPort).placeholder = '8080';
  gateways.option(form.Flag, 'enabled', _('In use')).default = '1';

  const home = map.section(form.NamedSection, HOME, 'lease', _('Exceptions and what gateways may know'));
  const hint = _('MAC address (as the device or the list of DHCP leases shows it), address or prefix');
  const bypass = home.option(form.DynamicList, 'bypass', _('Devices that keep the own line'), hint);
  bypass.validate = (_section, text) => text === '' || isDevice(text) || hint;
  const only = _('Told only to a gateway that asks for it.');
  value(home, 'name', _('Your name'), only, isText);
  value(home, 'email', _('Your e-mail address'), only, isText);
  value(home, 'phone', _('Your phone number'), only, isText);
  value(home, 'invite', _('Invitation'), _('The code that an operator gave you'), (text) => /^[\w-]{1,64}$/.test(text));
  const root = await map.render();
  nameFields(root);
  return root;
}
