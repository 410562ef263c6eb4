import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareChanges, compareValues, formatChange, parseChangeLines, takeBack } from '../../src/fleet/desired.ts';

const ADDRESS = 'network.yggdrasil_ygg0_peer.address';

const lines = suite('parseChangeLines and formatChange');
lines('read what people write, and write it as it was read', () => {
  const text = [
    'meshbridge.main.poll_idle=60',
    'meshbridge.main.probe=',
    'meshbridge.fleet.send=state tele',
    'wireless.radio0.channel=auto',
    `${ADDRESS}+=tls://192.0.2.1:443?key=${'a'.repeat(64)}`,
    `${ADDRESS}-=tcp://192.0.2.2:9001`,
  ];
  const changes = parseChangeLines(['# what the street should have', '', ...text.map((line) => `  ${line} `)]);
  assert.equal(changes, [
    { set: 'meshbridge.main.poll_idle', to: '60' },
    { unset: 'meshbridge.main.probe' },
    { set: 'meshbridge.fleet.send', to: ['state', 'tele'] },
    { set: 'wireless.radio0.channel', to: 'auto' },
    { add: ADDRESS, value: `tls://192.0.2.1:443?key=${'a'.repeat(64)}` },
    { remove: ADDRESS, value: 'tcp://192.0.2.2:9001' },
  ]);
  assert.equal(changes.map(formatChange), text);
});
for (const [line, expected] of [
  ['meshbridge.main.poll_idle', 'expected PATH=VALUE'],
  ['meshbridge.main.mqtt=0', 'meshbridge.main.mqtt: not on the list'],
  ['meshbridge.anna.public=x', 'meshbridge.anna.public: not on the list'],
  ['network.lan.ipaddr=10.0.0.1', 'network.lan.ipaddr: not on the list'],
  ['system.@system[0].hostname=x', 'not on the list'],
  ['wireless.radio0.channel=', 'wireless.radio0.channel: expected auto or 1 to 233, it cannot be unset'],
  ['wireless.radio0.channel=999', 'wireless.radio0.channel: expected auto or 1 to 233'],
  [`${ADDRESS}=tcp://a:1`, `${ADDRESS}: expected add or remove`],
  [`${ADDRESS}+=tcp://a:1;reboot`, `${ADDRESS}: uri: expected letters`],
  ['meshbridge.main.probe+=1', 'meshbridge.main.probe: expected set or unset'],
] as const)
  lines(`refuse ${line}`, () =>
    assert.throws(
      () => parseChangeLines([line]),
      (error: Error) => error.message.includes(expected),
    ),
  );
lines('refuse the same option twice', () =>
  assert.throws(() => parseChangeLines(['meshbridge.main.probe=1', 'meshbridge.main.probe=0']), /each option once/),
);
lines.run();

// ---

const comparing = suite('compareChanges and compareValues');
comparing('tell what is gone and what is new', () =>
  assert.equal(
    compareChanges(
      parseChangeLines(['meshbridge.main.probe=1', 'meshbridge.main.discover=1']),
      parseChangeLines(['meshbridge.main.probe=0', 'meshbridge.main.discover=1']),
    ),
    { removed: ['meshbridge.main.probe=1'], added: ['meshbridge.main.probe=0'] },
  ),
);
comparing('tell which options a node has otherwise', () => {
  const changes = parseChangeLines([
    'meshbridge.main.probe=1',
    'meshbridge.main.discover=',
    'meshbridge.fleet.send=state tele',
    `${ADDRESS}+=tcp://a:1`,
  ]);
  assert.equal(
    compareValues(
      { 'meshbridge.main.probe': '1', 'meshbridge.main.discover': null, 'meshbridge.fleet.send': ['state', 'tele'] },
      changes,
    ),
    [],
  );
  assert.equal(compareValues({ 'meshbridge.main.discover': '1', 'meshbridge.fleet.send': ['tele'] }, changes), [
    'meshbridge.main.probe: not set, wanted 1',
    'meshbridge.main.discover: 1, wanted not set',
    'meshbridge.fleet.send: tele, wanted state tele',
  ]);
});
comparing.run();

// ---

const back = suite('takeBack');
const newer = (text: readonly string[], before?: Record<string, string | string[] | null>) => ({
  changes: parseChangeLines(text),
  ...(before && { before }),
});
back('says again what the generation before said', () => {
  const older = parseChangeLines(['meshbridge.main.probe=1']);
  assert.equal(takeBack(newer(['meshbridge.main.probe=0']), older), { changes: older, stay: [] });
});
back('gives options what the node said that they were', () =>
  assert.equal(
    takeBack(
      newer(['wireless.radio0.channel=11', 'meshbridge.main.probe=0', 'meshbridge.main.discover='], {
        'wireless.radio0.channel': '36',
        'meshbridge.main.probe': null,
        'meshbridge.main.discover': '0',
      }),
      [],
    ),
    {
      changes: [
        { set: 'wireless.radio0.channel', to: '36' },
        { unset: 'meshbridge.main.probe' },
        { set: 'meshbridge.main.discover', to: '0' },
      ],
      stay: [],
    },
  ),
);
back('gives them their defaults where that is not known, and names those that have none', () =>
  assert.equal(
    takeBack(newer(['wireless.radio0.channel=11', 'meshbridge.main.probe=0', 'meshbridge.main.discover=']), []),
    {
      changes: [{ unset: 'meshbridge.main.probe' }],
      stay: ['wireless.radio0.channel', 'meshbridge.main.discover'],
    },
  ),
);
back('takes peerings out and puts them back', () =>
  assert.equal(
    takeBack(
      newer([`${ADDRESS}+=tcp://a:1`, `${ADDRESS}-=tcp://b:1`, `${ADDRESS}+=tcp://c:1`]),
      parseChangeLines([`${ADDRESS}+=tcp://c:1`]),
    ),
    {
      changes: [
        { add: ADDRESS, value: 'tcp://c:1' },
        { remove: ADDRESS, value: 'tcp://a:1' },
        { add: ADDRESS, value: 'tcp://b:1' },
      ],
      stay: [],
    },
  ),
);
back.run();
