// What the machine says of itself: load, memory, flash, temperature, uptime, model. ubus' object `system` is asked, and /proc and /sys are
// read for what it does not tell; in a jail without them, that is not known.

import type { Sample } from '../api/topics.ts';
import { errorText } from '../errors.ts';
import { replaceInvisible } from '../lib/text.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Files } from '../transport/host.ts';
import { residentKb } from './resident.ts';

/** The part of the ubus client that is needed here. */
export interface SystemBus {
  call(
    path: string,
    method: string,
    args?: object,
    options?: { timeoutMs?: number },
  ): Promise<Record<string, unknown>[]>;
}

/** What does not change while a router runs. */
export interface Board {
  model?: string;
  os?: string;
  name?: string;
}

type System = NonNullable<Sample['system']>;

const TIMEOUT_MS = 3000;
/** Files of /proc and /sys are short; the longest one is that of the memory. */
const MAX_FILE_BYTES = 8192;
const MAX_SENSORS = 8;
const MAX_TEXT = 80;
/** Degrees that a sensor can mean. */
const COLDEST = -40;
const HOTTEST = 150;
const LOAD_ONE = 65_536;

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** A whole number from 0 up; ubus has those of 64 bits as bigint where they are large. */
function countOf(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && Number.isFinite(number) ? Math.floor(number) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? replaceInvisible(value.slice(0, MAX_TEXT), '') : undefined;
}

const kbOf = (bytes: number | undefined): number | undefined => bytes && Math.round(bytes / 1024);
const hundredth = (value: number): number => Math.round(value * 100) / 100;

/** One machine. */
export class SystemSource {
  private boardKnown: Promise<Board> | undefined;

  constructor(
    private readonly bus: SystemBus,
    private readonly files: Pick<Files, 'read' | 'list'>,
    private readonly log: Log,
  ) {}

  /** As it is now; `undefined`: nothing is known. Never rejects. */
  async read(): Promise<Sample['system']> {
    const info = await this.ask('info');
    const memory = fieldsOf(info.memory);
    const root = fieldsOf(info.root);
    const uptime = countOf(info.uptime) ?? this.number('/proc/uptime', /^(\d+)/);
    if (uptime === undefined) return undefined;
    const load = Array.isArray(info.load) ? countOf(info.load[0]) : undefined;
    const all: { [F in keyof System]: System[F] | undefined } = {
      uptime_s: uptime,
      load: load === undefined ? this.number('/proc/loadavg', /^(\d+\.\d+)/) : hundredth(load / LOAD_ONE),
      memory_kb: kbOf(countOf(memory.total)) ?? this.number('/proc/meminfo', /^MemTotal: +(\d+) kB$/m),
      memory_free_kb: kbOf(countOf(memory.available)) ?? this.number('/proc/meminfo', /^MemAvailable: +(\d+) kB$/m),
      // these two come in KiB
      flash_kb: countOf(root.total),
      flash_free_kb: countOf(root.avail) ?? countOf(root.free),
      temperature_c: this.temperature(),
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as System;
  }

  /** What it is; asked until it is known. Never rejects. */
  async board(): Promise<Board> {
    this.boardKnown ??= this.ask('board').then((info) => {
      const { model, release, hostname } = info;
      const os = textOf(fieldsOf(release).description);
      const [modelText, name] = [textOf(model), textOf(hostname)];
      if (modelText === undefined && os === undefined) this.boardKnown = undefined;
      return {
        ...(modelText !== undefined && { model: modelText }),
        ...(os !== undefined && { os }),
        ...(name !== undefined && { name }),
      };
    });
    return this.boardKnown;
  }

  /** Resident memory of this process. */
  rssKb(): number | undefined {
    return residentKb(this.files);
  }

  /** Whether its clock has a battery. */
  hasClock(): boolean {
    return this.names('/sys/class/rtc').length > 0;
  }

  private temperature(): number | undefined {
    const zones = this.names('/sys/class/thermal').filter((name) => /^thermal_zone\d+$/.test(name));
    const sensors = this.names('/sys/class/hwmon').filter((name) => /^hwmon\d+$/.test(name));
    for (const paths of [
      zones.map((name) => `/sys/class/thermal/${name}/temp`),
      sensors.map((name) => `/sys/class/hwmon/${name}/temp1_input`),
    ]) {
      const degrees = paths
        .slice(0, MAX_SENSORS)
        .map((path) => Math.round((this.number(path, /^(-?\d+)/) ?? Number.NaN) / 1000))
        .filter((one) => one >= COLDEST && one <= HOTTEST);
      if (degrees.length > 0) return Math.max(...degrees);
    }
    return undefined;
  }

  private names(path: string): string[] {
    try {
      return this.files.list(path);
    } catch {
      return []; // a jail without it, or a kernel without such a thing
    }
  }

  private number(path: string, form: RegExp): number | undefined {
    try {
      const bytes = this.files.read(path, MAX_FILE_BYTES);
      const digits = bytes && form.exec(decodeUtf8(bytes))?.[1];
      return digits === undefined ? undefined : Number(digits);
    } catch {
      return undefined; // as above; a sensor may also refuse to be read
    }
  }

  private async ask(method: 'info' | 'board'): Promise<Fields> {
    try {
      return fieldsOf((await this.bus.call('system', method, {}, { timeoutMs: TIMEOUT_MS }))[0]);
    } catch (error) {
      this.log.debug('system not asked', { method, error: errorText(error) });
      return {};
    }
  }
}
