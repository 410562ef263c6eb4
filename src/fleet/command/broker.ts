// `meshctl broker`: which broker the fleet meets at.

import { checkUser } from '../access.ts';
import { absolute, type BrokerSetting, isOpen, parseBrokerUrl, readBroker, writeBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { dial } from '../dial.ts';
import { Failure } from '../failure.ts';
import { formatFields } from '../table.ts';

const set: Command = {
  words: 'broker set',
  summary: 'say which broker the fleet meets at',
  args: '',
  takes: [0, 0],
  options: {
    url: { takes: 'URL', help: 'mqtts://host[:8883], mqtt://host[:1883] or unix:///path' },
    'node-url': { takes: 'URL', help: 'the same as routers reach it, where that differs' },
    user: { takes: 'NAME', help: 'user name of meshctl' },
    'password-file': { takes: 'FILE', help: 'file with its password (else MESHCTL_PASSWORD)' },
    'ca-file': { takes: 'FILE', help: 'PEM file of the authorities that may vouch for the broker' },
    pin: { takes: 'HASH', isList: true, help: 'key that it must have, as broker pin prints it; routers are told, too' },
    'server-name': { takes: 'NAME', help: 'name that its certificate must have, where that is not the host' },
    operator: {
      takes: 'USER',
      isList: true,
      help: 'user that the access list lets manage the fleet (the one of --user)',
    },
    reader: { takes: 'USER', isList: true, help: 'user that it lets read what nodes tell, such as telegraf' },
  },
  details: `Options that are not given stay as they are; an empty value removes one.`,
  async run({ options, output, home }) {
    const broker = await home.locked(() => {
      const before = (home.read('config.json') as { broker?: BrokerSetting } | undefined)?.broker;
      const url = options.text('url') ?? before?.url;
      if (url === undefined) throw new Failure('usage', '--url: missing');
      const given = {
        ...before,
        url,
        node_url: options.text('node-url') ?? before?.node_url,
        username: options.text('user') ?? before?.username,
        password_file: path(options.text('password-file')) ?? before?.password_file,
        ca_file: path(options.text('ca-file')) ?? before?.ca_file,
        server_name: options.text('server-name') ?? before?.server_name,
        pins: listOf(options.list('pin')) ?? before?.pins,
        operators: listOf(options.list('operator').map(userOf)) ?? before?.operators,
        readers: listOf(options.list('reader').map(userOf)) ?? before?.readers,
      };
      const broker = Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined && value !== '' && value.length > 0),
      ) as unknown as BrokerSetting;
      writeBroker(home, broker);
      return broker;
    });
    showBroker(broker, { output });
    if (isOpen(parseBrokerUrl(broker.url)) && broker.username !== undefined)
      output.warn(`${broker.url} is neither TLS nor Yggdrasil: the password can be read on the way`);
  },
};

function path(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? text : absolute(text);
}

/** An empty value among them removes all. */
function listOf(items: readonly string[]): string[] | undefined {
  return items.length === 0 ? undefined : items.includes('') ? [] : [...items];
}

function userOf(user: string): string {
  return user === '' ? user : checkUser(user);
}

const show: Command = {
  words: 'broker show',
  summary: 'print what is set',
  args: '',
  takes: [0, 0],
  options: {},
  async run({ output, home }) {
    showBroker(readBroker(home), { output });
  },
};

function showBroker(broker: BrokerSetting, { output }: Pick<Context, 'output'>): void {
  output.print(
    ...formatFields(
      [
        ['broker', broker.url],
        ['for routers', broker.node_url],
        ['user', broker.username ?? 'none'],
        ['password in', broker.password_file],
        ['CA file', broker.ca_file],
        ['server name', broker.server_name],
        ['operators', (broker.operators ?? [broker.username ?? 'none']).join(', ')],
        ['readers', broker.readers?.join(', ')],
        ...(broker.pins ?? []).map((pin) => ['pin', pin] as const),
      ],
      output.terminal,
    ),
  );
  output.result({ broker });
}

const pin: Command = {
  words: 'broker pin',
  summary: 'look at the key that a broker has now, for broker set --pin',
  args: '[URL]',
  takes: [0, 1],
  options: {},
  details: `Whoever answers there now is believed: compare the key with what the broker's own
machine says, openssl x509 -in CERT -pubkey -noout | openssl pkey -pubin -outform DER |
openssl dgst -sha256 -binary | base64.`,
  async run({ args, output, home }) {
    const url = args[0] ?? readBroker(home).url;
    const place = parseBrokerUrl(url);
    if ('path' in place || !place.secure)
      throw new Failure('usage', `${url}: expected mqtts://, other brokers have no key`);
    const { socket, pin: hash } = await output.waiting(`connecting to ${url}`, dial({ url }, true));
    socket.destroy();
    if (hash === undefined) throw new Failure('failed', `${url}: it shows no certificate`);
    output.print(hash);
    output.result({ url, pin: hash });
  },
};

export const BROKER: readonly Command[] = [set, show, pin];
