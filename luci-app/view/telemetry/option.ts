// Telemetry's part of /etc/config/meshbridge: brokers, keys, neighbourhood, limit and switch, each changed in a dialog and applied by LuCI.
// src/config.ts decides in the end what an option takes; a test holds the two together.

import uci, { type UciSection } from 'luci:uci';
import ui from 'luci:ui';
import { CAPS, SCOPES } from '../../../src/api/scope.ts';
import { OPTIONAL_TOPICS, USUAL_METRIC_GROUPS } from '../../../src/api/topics.ts';
import { readFlag } from '../../../src/lib/flag.ts';
import {
  choiceField,
  type Field,
  type FieldValue,
  manyField,
  openForm,
  type TextField,
  textField,
  tickField,
} from '../more/field.ts';
import { openDialog } from '../part/dialog.ts';
import { describeFailure } from '../part/failure.ts';
import { metricChoices, scopeChoices, topicChoices } from './word.ts';

const PACKAGE = 'meshbridge';
const MAIN = 'main';
/** Of the daemon, that are in use. */
export const MAX_BROKERS = 2;

type Values<K extends string> = Record<K, FieldValue>;

let isLoaded = false;

/** Reads the options anew. @throws (rejects) as LuCI's client, when they may not be read. */
export async function loadOptions(): Promise<void> {
  isLoaded = false;
  uci.unload(PACKAGE);
  await uci.load(PACKAGE);
  isLoaded = true;
}

/** The sections of a type; `undefined` while they are not known, or may not be. */
export function sectionsOf(type: 'mqtt' | 'key'): UciSection[] | undefined {
  return isLoaded ? uci.sections(PACKAGE, type) : undefined;
}

/** Whether a section counts. */
export function isInUse(section: UciSection): boolean {
  return isOn(section['.name'], 'enabled', '1');
}

function isOn(section: string, name: string, normal = '0'): boolean {
  return readFlag(textOf(section, name, normal)) === true;
}

/** The options, as far as they are texts. */
function textOf(section: string, name: string, normal = ''): string {
  const value = uci.get(PACKAGE, section, name);
  return typeof value === 'string' ? value : normal;
}

/** A switch that need not be set: `1`, `0`, or nothing. What the daemon refuses is shown as off, so that saving switches nothing on. */
function choiceOf(section: string, name: string): string {
  const text = textOf(section, name);
  if (text === '') return '';
  return readFlag(text) ? '1' : '0';
}

function listOf(section: string, name: string, normal: readonly string[] = []): readonly string[] {
  const value = uci.get(PACKAGE, section, name);
  return value ? [value].flat() : normal;
}

/** Changes options and has LuCI apply them, after which it loads the page anew. */
async function change(edit: () => void): Promise<string> {
  try {
    if (!uci.get(PACKAGE, MAIN)) uci.add(PACKAGE, PACKAGE, MAIN);
    edit();
    await uci.save();
  } catch (error) {
    await loadOptions();
    throw error;
  }
  ui.changes.apply(true);
  return '';
}

/** Sets one; what is as it would be without it is removed. */
function write(section: string, name: string, value: FieldValue, normal: FieldValue = ''): void {
  if (String(value) === String(normal)) uci.unset(PACKAGE, section, name);
  else uci.set(PACKAGE, section, name, value);
}

const fitting =
  (form: RegExp, hint: string) =>
  (text: string): true | string =>
    text === '' || form.test(text) || hint;

function siteField(): TextField {
  const hint = _('1 to 32 lower-case letters, digits and -');
  return textField(_('Neighbourhood'), textOf(MAIN, 'site'), { hint, fits: fitting(/^[a-z0-9-]{1,32}$/, hint) });
}

/** A fleet's broker knows routers by it. */
function isMissing(site: TextField, isWanted: boolean): boolean {
  const isMissed = isWanted && site.read() === '';
  if (isMissed) site.blame(_('The broker of a fleet needs it.'));
  return isMissed;
}

function nameField(): Field {
  const hint = _('1 to 24 letters, digits and _, for you to know it by');
  return textField(_('Name'), '', {
    hint,
    fits: (name) => {
      if (!/^\w{1,24}$/.test(name)) return hint;
      return !uci.get(PACKAGE, name) || _('There is something of this name already.');
    },
  });
}

function askSite(): void {
  const site = siteField();
  openForm({
    title: _('Switch telemetry on'),
    intro: _(
      'From then on the brokers on this page hear of this router. The broker of a fleet needs the name of the neighbourhood.',
    ),
    fields: { site },
    label: _('Switch on'),
    save: async (values) => {
      const isFleets = (section: UciSection): boolean => isInUse(section) && section.profile !== 'home';
      if (isMissing(site, uci.sections(PACKAGE, 'mqtt').some(isFleets))) return false;
      return change(() => {
        write(MAIN, 'site', values.site);
        uci.set(PACKAGE, MAIN, 'mqtt', '1');
      });
    },
  });
}

/** Switches telemetry off. */
export function switchOff(): Promise<string> {
  return change(() => uci.unset(PACKAGE, MAIN, 'mqtt'));
}

function askCap(): void {
  openForm({
    title: _('What others may do here'),
    intro: _('Nobody can do more than this, whatever a key is trusted with.'),
    fields: { cap: choiceField(_('At most'), textOf(MAIN, 'manage_cap', 'none'), scopeChoices(CAPS)) },
    label: _('Save and apply'),
    save: ({ cap }) => change(() => write(MAIN, 'manage_cap', cap, 'none')),
  });
}

function askKey(name?: string): void {
  const at = name ?? '';
  const hint = _('64 digits, as “meshctl keys show” prints them');
  const taken = (key: string): boolean =>
    uci.sections(PACKAGE, 'key').some((section) => section['.name'] !== at && section.public === key);
  openForm({
    title: name === undefined ? _('Trust a key') : _('Key %s').format(name),
    intro: _('Have its owner read it out to you: whoever holds it may do here what you choose.'),
    fields: {
      ...(name === undefined && { name: nameField() }),
      public: textField(_('Public key'), textOf(at, 'public'), {
        hint,
        fits: (key) => (!/^[0-9a-f]{64}$/.test(key) ? hint : !taken(key) || _('This key is there already.')),
      }),
      scope: choiceField(_('May'), textOf(at, 'scope', 'observe'), scopeChoices(SCOPES)),
      enabled: tickField(_('In use'), isOn(at, 'enabled', '1')),
    },
    label: _('Save and apply'),
    save: (values: Values<string>) =>
      change(() => {
        const section = name ?? uci.add(PACKAGE, 'key', String(values.name));
        uci.set(PACKAGE, section, 'public', values.public!);
        uci.set(PACKAGE, section, 'scope', values.scope!);
        write(section, 'enabled', values.enabled!, '1');
      }),
  });
}

/** Takes a broker or a key away. */
export function removeSection(name: string): Promise<string> {
  return change(() => uci.remove(PACKAGE, name));
}

const PATH = /^\/[ -~\xa0-\u{10ffff}]{1,255}$/u;

const PLACE =
  /^mqtts?:\/\/(\[[\da-fA-F.]*:[\da-fA-F.]*:[\da-fA-F:.]*(%[\w.-]{1,15})?\]|\w[\w-]*(\.\w[\w-]*)*\.?)(?::(\d{1,5}))?\/?$/;
/** No user is in it. */
const SOCKET = /^unix:\/\/(@.|\/[^@]+$)/;
const MAX_SOCKET_BYTES = 107;

/** As src/transport/broker-url.ts reads it. */
function isUrl(text: string): boolean {
  const place = PLACE.exec(text);
  if (place) return Number(place[4] ?? 1) > 0 && Number(place[4] ?? 1) < 65_536;
  return SOCKET.test(text) && !/\p{Cc}/u.test(text) && new Blob([text]).size <= 'unix://'.length + MAX_SOCKET_BYTES;
}

function askBroker(name?: string): void {
  const at = name ?? '';
  const path = fitting(PATH, _('Full path of a file'));
  const url = _('mqtts://host, mqtt://host or mqtt://[address]; a port may follow');
  const pin = _('44 characters each, one a line');
  const interval = _('60 to 3600 seconds');
  const siteOf = siteField();
  openForm({
    title: name === undefined ? _('Add a broker') : _('Broker %s').format(name),
    fields: {
      ...(name === undefined && { name: nameField() }),
      profile: choiceField(_('Whose it is'), textOf(at, 'profile', 'fleet'), [
        ['fleet', _('of those who look after many routers')],
        ['home', _('of this home, such as Home Assistant’s')],
      ]),
      site: siteOf,
      url: textField(_('Address'), textOf(at, 'url'), { hint: url, fits: (text) => isUrl(text) || url }),
      username: textField(_('User name'), textOf(at, 'username'), { hint: _('Empty: the id of this router.') }),
      password: textField(_('Password'), textOf(at, 'password'), { type: 'password' }),
      metrics: manyField(_('It gets measurements of'), listOf(at, 'metrics', USUAL_METRIC_GROUPS), metricChoices()),
      send: manyField(_('And is told'), listOf(at, 'send', OPTIONAL_TOPICS), topicChoices()),
      manage: choiceField(_('Take signed commands from it'), choiceOf(at, 'manage'), [
        ['', _('as usual: from the broker of a fleet, not from that of a home')],
        ['1', _('yes')],
        ['0', _('no')],
      ]),
      metered: tickField(_('Send as little as possible: the line is paid by the megabyte'), isOn(at, 'metered')),
      enabled: tickField(_('In use'), isOn(at, 'enabled', '1')),
      interval: textField(_('Send every'), textOf(at, 'interval', '300'), {
        hint: interval,
        fits: (text) => (/^\d{1,9}$/.test(text) && Number(text) >= 60 && Number(text) <= 3600) || interval,
      }),
      discovery: tickField(_('Tell Home Assistant of this router'), isOn(at, 'discovery')),
      pin: textField(_('Keys that the broker may have (SHA-256)'), listOf(at, 'pin'), {
        lines: true,
        hint: pin,
        fits: fitting(/^[A-Za-z0-9+/]{43}=$/, pin),
      }),
      server_name: textField(_('Name in its certificate'), textOf(at, 'server_name'), {
        hint: _('Empty: the host of the address.'),
        fits: fitting(/^[a-z0-9_][a-z0-9_.-]{0,252}$/i, _('A host name')),
      }),
      ca_file: textField(_('File of the authorities that vouch for it'), textOf(at, 'ca_file'), { fits: path }),
      cert_file: textField(_('File of this router’s certificate'), textOf(at, 'cert_file'), { fits: path }),
      key_file: textField(_('File of the key of that'), textOf(at, 'key_file'), { fits: path }),
    },
    rare: ['interval', 'discovery', 'pin', 'server_name', 'ca_file', 'cert_file', 'key_file'],
    label: _('Save and apply'),
    save: async (values: Values<string>) => {
      const { name: called, site, profile, ...options } = values;
      if (isMissing(siteOf, profile === 'fleet' && options.enabled === '1')) return false;
      return change(() => {
        const section = name ?? uci.add(PACKAGE, 'mqtt', String(called));
        write(MAIN, 'site', site!);
        write(section, 'profile', profile!, 'fleet');
        const normals: Values<string> = {
          metered: '0',
          discovery: '0',
          enabled: '1',
          interval: '300',
          metrics: USUAL_METRIC_GROUPS,
          send: OPTIONAL_TOPICS,
        };
        for (const [option, value] of Object.entries(options)) write(section, option, value, normals[option]);
      });
    },
  });
}

let isAsking = false;

/** Opens a dialog on the options as they are by now: somebody else may have changed them since the page read them. */
async function ask(open: () => void, section?: string): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  try {
    await loadOptions();
    if (section === undefined || uci.get(PACKAGE, section)) open();
    else say(_('“%s” was taken away meanwhile.').format(section));
  } catch (error) {
    say(unknownOptions(error));
  } finally {
    isAsking = false;
  }
}

function say(text: string): void {
  openDialog({ title: _('Telemetry'), content: [E('p', [text])], actions: [] });
}

/** Why nothing is known of the options. */
export function unknownOptions(error: unknown): string {
  return _('What the configuration says is not known: %s').format(describeFailure(error).what);
}

/** Switches telemetry on, once it has asked for the neighbourhood. */
export const switchOn = (): Promise<void> => ask(askSite);
/** Asks for the most that others may do. */
export const editCap = (): Promise<void> => ask(askCap);
/** Asks for a key; without a name, for a new one. */
export const editKey = (name?: string): Promise<void> => ask(() => askKey(name), name);
/** Asks for a broker; without a name, for a new one. */
export const editBroker = (name?: string): Promise<void> => ask(() => askBroker(name), name);
