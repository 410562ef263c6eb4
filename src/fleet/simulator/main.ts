// `npm run fleet -- --routers 1000`: simulated routers at a broker, to try meshctl, brokers and dashboards on.

import { parseArgs } from 'node:util';
import { errorText, InputError } from '../../errors.ts';
import type { Endpoint } from '../../transport/host.ts';
import { type BrokerSetting, parseBrokerUrl } from '../broker.ts';
import { count } from '../display.ts';
import { defaultHome, Home } from '../home.ts';
import { listKeys } from '../key.ts';
import { changePins } from '../pin.ts';
import { Crowd } from './crowd.ts';

const HELP = `usage: npm run fleet -- [options]

Simulated routers: the daemon's own MQTT client, measurements, events and commands,
over a mesh that is made up. They are pinned in the operator's directory, so that
meshctl enroll acl and passwords let them in, and they obey its keys.

  --routers N    how many (100)
  --url URL      their broker: mqtt://host[:port] or unix:///path (that of meshctl)
  --site-size N  routers of one site (50)
  --seed TEXT    begins their names; others are other routers (house)
  --event S      seconds between two events of a router, on average; 0: none (600)
  --home DIR     the operator's directory (MESHCTL_HOME, ~/.config/meshctl)
  --pin-only     pin them, and end
  --for S        end by itself
  --help         print this
`;
const TELL_MS = 5000;

function whole(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new InputError(`--${name}: expected ${least} to ${most}, got "${text}"`);
  return value;
}

function endpointOf(home: Home, url: string | undefined): Endpoint {
  const setting = (home.read('config.json') as { broker?: BrokerSetting } | undefined)?.broker?.url;
  const place = parseBrokerUrl(url ?? setting ?? 'mqtt://127.0.0.1', '--url');
  if ('path' in place) return place;
  if (place.secure) throw new InputError('--url: expected mqtt:// or unix://, simulated routers speak no TLS');
  return { host: place.host, port: place.port };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      routers: { type: 'string', default: '100' },
      url: { type: 'string' },
      'site-size': { type: 'string', default: '50' },
      seed: { type: 'string', default: 'house' },
      event: { type: 'string', default: '600' },
      home: { type: 'string' },
      'pin-only': { type: 'boolean', default: false },
      for: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const home = new Home(values.home ?? defaultHome());
  const crowd = new Crowd({
    routers: whole('routers', values.routers, 1, 20_000),
    endpoint: endpointOf(home, values.url),
    siteSize: whole('site-size', values['site-size'], 1, 20_000),
    seed: values.seed,
    eventS: whole('event', values.event, 0, 86_400),
    keys: listKeys(home).map((key) => key.public),
  });
  await changePins(home, (pins) => {
    for (const { pin } of crowd.routers) pins.set(pin.node, pin);
  });
  console.log(`${count(crowd.routers.length, 'router')} pinned in ${home.path}`);
  if (values['pin-only']) return crowd.stop();
  crowd.start();
  const started = performance.now();
  const timer = setInterval(() => {
    const { up, losses, connects } = crowd;
    const most = crowd.mostInOneSecond(0);
    console.log(
      `${((performance.now() - started) / 1000).toFixed(0)} s: ${up} of ${crowd.routers.length} connected, ${connects.length} connections made, at most ${most} in one second, ${losses} lost`,
    );
  }, TELL_MS);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    if (values.for !== undefined) setTimeout(resolve, whole('for', values.for, 1, 864_000) * 1000);
  });
  clearInterval(timer);
  await crowd.stop();
}

try {
  await main();
} catch (error) {
  console.error(`fleet: ${errorText(error)}`);
  process.exitCode = 1;
}
