import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { translationTable } from '../../build/lmo.ts';
import { LANGUAGES, type Language } from '../../build/packages.ts';
import { projectTexts } from '../../build/texts.ts';
import type { Finding, Peer } from '../../src/api/model.ts';
import { FINDINGS } from '../../src/mesh/lint-finding.ts';
import { speak } from '../../src/mesh/verdict-words.ts';
import { DESKTOP, Pages, PHONE, type Script } from './browser.ts';
import { day, history, map, member, ok, overview } from './made-answer.ts';

const PEER: Peer = {
  remote: 'tcp://203.0.113.9:9001',
  origin: 'configured',
  inbound: false,
  up: false,
  state: 'down',
  state_ago_ms: 7_260_000,
  changes_per_hour: 2,
  last_error: 'dial tcp 203.0.113.9:9001: connect: connection refused',
  last_error_ago_ms: 42_000,
};
/** What the daemon says of a router whose cable is out. */
const VALUES = { uplink: 'wan', device: 'eth1' };
const VERDICT = speak({
  state: 'bad',
  id: 'no_cable',
  since_s: 300,
  fault: { link: 'line', situation: 'no_cable', tail: undefined },
  values: VALUES,
  checks: [
    { link: 'line', state: 'bad', since_s: 300, situation: 'no_cable', values: VALUES },
    { link: 'dns', state: 'unknown', since_s: 300, situation: 'dns_waits', values: {} },
    { link: 'peers', state: 'unknown', since_s: 300, situation: 'peers_waits', values: {} },
  ],
});
const { level, ...words } = FINDINGS.no_zone_open;
const FINDING: Finding = {
  id: 'no_zone_open',
  level,
  option: 'network.ygg0',
  what: '',
  why: '',
  fix: '',
  words,
  values: { interface: 'ygg0' },
  fixable: false,
};
const ANSWERS: Script = {
  'meshbridge.overview': ok(overview(VERDICT)),
  'meshbridge.member': ok(member(VERDICT)),
  'meshbridge.map': ok(map(VERDICT, { peers: [PEER] })),
  'yggdrasil.history': history(day()),
  'yggdrasil.peers': ok({
    age_ms: 0,
    interface: 'ygg0',
    peers: [PEER, { ...PEER, remote: 'tls://a.example:1', last_error: 'EOF' }],
  }),
  'meshbridge.telemetry': ok({
    enabled: true,
    node: 'abcabcabcabca',
    key: 'abc'.repeat(21),
    site: 'ygg1',
    clock: 'ntp',
    config_errors: [],
    brokers: [
      {
        name: 'ygg0',
        profile: 'fleet',
        endpoint: 'tcp://a.example:1883',
        secure: true,
        manage: true,
        interval_s: 300,
        metered: true,
        metrics: ['own', 'system'],
        send: ['state', 'alarm'],
        state: 'waiting',
        since_s: 5400,
        ups: 0,
        last_error: 'connect: refused',
        queued: 3,
        dropped: 1,
        messages: 2,
        bytes: 1200,
        received: 1,
        unasked: 1,
        sent: [{ topic: 'a/c/a/c/evt/eth1', bytes: 1200, qos: 1, retain: true, age_ms: 90_000 }],
      },
    ],
    management: {
      cap: 'operate',
      keys: [{ name: 'ygg0', id: 'abc', scope: 'configure' }],
      commands: [{ cid: 'a', key: 'abc', op: 'dial', state: 'rejected', ago_s: 60 }],
      refused: [{ code: 'unknown-key', count: 2 }],
    },
  }),
  'meshbridge.lint': ok({ findings: [FINDING] }),
  'meshbridge.adviser': ok({ enabled: false, state: 'off', listed: 0, candidates: [] }),
  'meshbridge.helper.network_read': ok({ interfaces: [] }),
  'meshbridge.helper.member_read': ok({}),
  'meshbridge.status': ok({
    version: '1',
    uptime_s: 93_600,
    log_level: 'info',
    config_errors: [],
    links: [],
    interfaces: [{ interface: 'ygg0', connected: true, found_by: 'netifd' }],
  }),
};
const CONFIG = { meshbridge: "config meshbridge 'main'\n" };

/** On each page, texts that it must have: of the page, of the daemon, with numbers. */
const TEXTS: Record<Language, [page: string, texts: readonly string[]][]> = {
  de: [
    [
      'overview',
      [
        'Übersicht über das Mesh',
        'Auf der Internetleitung wan ist kein Signal',
        'Seit 5 Minuten.',
        'gezählt seit 26 Stunden',
      ],
    ],
    ['peers', ['Keiner der 2 Peers ist verbunden.', 'auf diesem Port hört niemand', 'seit 2 Stunden']],
    ['map', ['Karte des Mesh', 'Auf der Internetleitung wan ist kein Signal']],
    ['services', ['Dienste im Mesh', 'Von anderen angeboten']],
    ['settings', ['ygg0 ist in keiner Zone der Firewall', 'Anmeldung für den Haushalt', 'Öffentliche Peers wählen']],
    [
      'telemetry',
      [
        'Dieser Router erreicht nicht: ygg0.',
        'Du erlaubst höchstens: bedienen.',
        '2 Nachrichten gesendet',
        'Einer Nachbarschaft beitreten',
      ],
    ],
    ['member', ['Mein Zuhause', 'Auf der Internetleitung wan ist kein Signal']],
  ],
  es: [
    [
      'overview',
      [
        'Vista general de la malla',
        'No hay señal en la línea de Internet wan',
        'Desde hace 5 minutos.',
        'contado desde hace 26 horas',
      ],
    ],
    ['peers', ['Ninguno de los 2 pares está conectado.', 'nadie escucha en este puerto', 'desde hace 2 horas']],
    ['map', ['Mapa de la malla', 'No hay señal en la línea de Internet wan']],
    ['services', ['Servicios en la malla', 'Ofrecido por otros']],
    ['settings', ['ygg0 no está en ninguna zona del cortafuegos', 'Usuario para la casa', 'Elegir pares públicos']],
    [
      'telemetry',
      [
        'Este router no alcanza: ygg0.',
        'Permites como mucho: manejar.',
        '2 mensajes enviados',
        'Unirse a un vecindario',
      ],
    ],
    ['member', ['Mi casa', 'No hay señal en la línea de Internet wan']],
  ],
};

const pages = await Pages.start();
const other = pages && (await Pages.start());
const language = suite('pages in other languages');
if (pages) {
  language.after(() => pages.close());
  for (const code of Object.keys(LANGUAGES) as Language[])
    for (const [name, texts] of TEXTS[code])
      language(`fit a phone, and say all in ${code}: ${name}`, async () => {
        await pages.show(
          `admin/mesh/${name}`,
          PHONE,
          ANSWERS,
          async (opened) => {
            for (const text of texts)
              await opened.page.getByText(text).first().waitFor({ state: 'attached', timeout: 15_000 });
            assert.is(await opened.page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
            await opened.shoot(`${name}-${code}-phone`);
            assert.equal(opened.faults, []);
          },
          { language: code, config: CONFIG },
        );
      });
}
language.run();

// ---

/** A language in which no text of ours has a Latin letter. */
const STRANGE = translationTable({
  header: new Map([['Plural-Forms', 'nplurals=2; plural=(n != 1);']]),
  messages: projectTexts().map(({ id, plural, files }) => {
    const strange = (text: string): string =>
      text.replace(/%.|\{\w+\}|[A-Za-z]/g, (part) => (part.length > 1 ? part : 'ж'));
    return {
      id,
      files,
      ...(plural === undefined ? {} : { plural }),
      translations: [id, ...(plural === undefined ? [] : [plural])].map(strange),
    };
  }),
});
/** What is no text: names, addresses, units, and what LuCI itself says of forms. */
const DATA =
  /^(ygg\d|wan6?|eth\d|dhcp(v6)?|mill-roof|yggdrasil|meshbridge|network|no_\w+|info|warn|error|debug|tls|tcp|dial|connect\w*|refused|EOF|ms|[kMG]?B|[AP]M|Add|This|section|contains|no|values|yet|[0-9a-f]{3,}|example|evt|ae|[ac])$/;

/** Words with Latin letters that people see, or hear. */
const LATIN_WORDS = `(() => {
  const words = [];
  const take = (text) => words.push(...(text.match(/[A-Za-z][\\w-]*/g) ?? []));
  const walk = document.createTreeWalker(document.querySelector('.mb-page'), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) if (!node.parentElement.closest('script, style')) take(node.data);
  for (const one of document.querySelectorAll('.mb-page *'))
    for (const name of ['aria-label', 'title', 'aria-valuetext', 'data-title', 'alt']) take(one.getAttribute(name) ?? '');
  return [...new Set(words)];
})()`;

/** Of what can be used, each by its role, what has no name. */
async function nameless(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const usable = [
    'button',
    'link',
    'textbox',
    'searchbox',
    'checkbox',
    'combobox',
    'slider',
    'spinbutton',
    'listbox',
    'option',
    'region',
    'table',
    'dialog',
  ];
  return nodes
    .filter(({ ignored, role }) => !ignored && usable.includes(String(role?.value)))
    .filter(({ name }) => !String(name?.value ?? '').trim())
    .map(({ role }) => String(role?.value));
}

const whole = suite('every page');
if (other) {
  whole.after(() => other.close());
  for (const [name] of TEXTS.de)
    whole(`says nothing but what is translated, and has a name for all that can be used: ${name}`, async () => {
      await other.show(
        `admin/mesh/${name}`,
        DESKTOP,
        ANSWERS,
        async ({ page }) => {
          await page
            .locator('.mb-page .mb-body:not([hidden]) > *')
            .first()
            .waitFor({ state: 'attached', timeout: 15_000 });
          await page.clock.runFor(3000);
          await page.waitForTimeout(300);
          for (const details of await page.locator('details').all())
            await details.evaluate((element) => element.setAttribute('open', ''));
          const words = (await page.evaluate(LATIN_WORDS)) as string[];
          assert.equal(
            words.filter((word) => !DATA.test(word)),
            [],
          );
          assert.equal(await nameless(page), []);
        },
        { language: 'de', translation: STRANGE, config: CONFIG },
      );
    });
}
whole.run();
