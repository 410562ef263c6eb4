// Looks at the radios through ubus' object `iwinfo`: channel, noise, how busy the air is, how many stations there are and how well they are
// heard. Who they are is nobody's business: no address of a station leaves this file.

import type { Sample } from '../api/topics.ts';
import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import type { SystemBus } from './system.ts';

type Radio = NonNullable<Sample['radio']>[number];
type Fields = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 3000;
const MAX_DEVICES = 8;
const MAX_STATIONS = 1024;
const NAME = /^[\w.-]{1,15}$/;
const MODES: Readonly<Record<string, string>> = {
  Master: 'ap',
  Client: 'sta',
  'Mesh Point': 'mesh',
  'Ad-Hoc': 'adhoc',
  Monitor: 'monitor',
};

/** What a channel's counters said, milliseconds. */
interface Airtime {
  readonly active: number;
  readonly busy: number;
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value)
    ? value.slice(0, MAX_STATIONS).map((one) => (typeof one === 'object' && one !== null ? (one as Fields) : {}))
    : [];
}

function whole(value: unknown, least: number, most: number): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= least && number <= most)) return undefined;
  return Math.round(number);
}

/** Decibels of a milliwatt: 0 and what is above mean that it is not known. */
const dbm = (value: unknown): number | undefined => whole(value, -127, -1);

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** The radios of one router. */
export class WirelessSource {
  private airtimes = new Map<string, Airtime>();

  constructor(
    private readonly bus: SystemBus,
    private readonly log: Log,
  ) {}

  /** As they are now; `undefined`: this router has none, or no `iwinfo`. Never rejects. */
  async read(): Promise<Sample['radio']> {
    const { devices } = await this.ask('devices', {});
    if (!Array.isArray(devices)) return undefined;
    const names = devices.filter((name): name is string => typeof name === 'string' && NAME.test(name));
    const radios: Radio[] = [];
    const airtimes = new Map<string, Airtime>();
    for (const id of names.slice(0, MAX_DEVICES)) {
      const device = { device: id };
      // one after the other: the driver answers one at a time anyway
      const info = await this.ask('info', device);
      const stations = listOf((await this.ask('assoclist', device)).results);
      const survey = listOf((await this.ask('survey', device)).results);
      const air = airtimeOf(survey, info.frequency);
      if (air) airtimes.set(id, air);
      radios.push(radioOf(id, info, stations, air && busyShare(air, this.airtimes.get(id))));
    }
    this.airtimes = airtimes;
    return radios;
  }

  private async ask(method: string, args: object): Promise<Fields> {
    try {
      return (await this.bus.call('iwinfo', method, args, { timeoutMs: TIMEOUT_MS }))[0] ?? {};
    } catch (error) {
      this.log.debug('radio not asked', { method, error: errorText(error) });
      return {};
    }
  }
}

/** Of the channel that is in use. */
function airtimeOf(survey: readonly Fields[], frequency: unknown): Airtime | undefined {
  const channel = survey.find(({ mhz }) => typeof mhz === 'number' && mhz === frequency);
  const active = whole(channel?.active_time, 0, Number.MAX_SAFE_INTEGER);
  const busy = whole(channel?.busy_time, 0, Number.MAX_SAFE_INTEGER);
  return active === undefined || busy === undefined ? undefined : { active, busy };
}

/** Percent since the look before; `undefined`: the first one, or the counters began anew. */
function busyShare(now: Airtime, before: Airtime | undefined): number | undefined {
  if (!before || now.active <= before.active || now.busy < before.busy) return undefined;
  return Math.min(100, Math.round((100 * (now.busy - before.busy)) / (now.active - before.active)));
}

function radioOf(id: string, info: Fields, stations: readonly Fields[], busy: number | undefined): Radio {
  const mode = typeof info.mode === 'string' && Object.hasOwn(MODES, info.mode) ? MODES[info.mode] : undefined;
  const signals = stations.map(({ signal }) => dbm(signal)).filter((one) => one !== undefined);
  const all: { [F in keyof Radio]: Radio[F] | undefined } = {
    id,
    mode,
    channel: whole(info.channel, 1, 255),
    noise_dbm: dbm(info.noise),
    busy_pct: busy,
    stations: stations.length,
    signal_dbm: median(signals),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Radio;
}
