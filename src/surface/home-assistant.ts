// Tells Home Assistant of this router: one message from which it makes a device with a sensor for each number of the heartbeat.
//
// Templates are made of our own words alone: nothing that anybody else could choose stands in one.

/** A number of the heartbeat as a sensor. */
interface Sensor {
  readonly name: string;
  readonly unit?: string;
  /** Device class. */
  readonly kind?: string;
  /** State class. */
  readonly stat?: string;
  /** A binary sensor: the value with which it is on, or, behind `!`, all others. */
  readonly on?: string;
}

const SENSORS: Readonly<Record<string, Sensor>> = {
  verdict: { name: 'Mesh', kind: 'problem', on: "!'good'" },
  peers_up: { name: 'Peers up', stat: 'measurement' },
  latency_ms: { name: 'Latency', unit: 'ms', stat: 'measurement' },
  own_kb: { name: 'Own traffic', unit: 'kB', stat: 'total_increasing' },
  relayed_kb: { name: 'Relayed', unit: 'kB', stat: 'total_increasing' },
  online: { name: 'Internet', kind: 'connectivity', on: 'true' },
  stations: { name: 'Stations' },
  load: { name: 'Load' },
  memory_free_kb: { name: 'Free memory', unit: 'kB', stat: 'measurement' },
  temperature_c: { name: 'Temperature', unit: '°C', kind: 'temperature', stat: 'measurement' },
};
/** Names of routers and models, in characters: the whole is to stay under 2 kB. */
const MAX_NAME = 32;

/** What it is told of the router. */
export interface Device {
  /** Node id. */
  readonly node: string;
  readonly name: string;
  readonly model: string | undefined;
  readonly version: string;
  readonly statusTopic: string;
  readonly teleTopic: string;
}

/** The topic on which Home Assistant says that it started. */
export const BIRTH_TOPIC = 'homeassistant/status';
/** At its start all devices are asked for: not at once, please. */
const BIRTH_SPREAD_MS = 60_000;

/** The topic of a router's description. */
export function discoveryTopic(node: string): string {
  return `homeassistant/device/mb-${node}/config`;
}

/** The description, of those numbers that a heartbeat has. */
export function describeDevice(device: Device, fields: readonly string[]): string {
  const known = fields.filter((field) => Object.hasOwn(SENSORS, field));
  return JSON.stringify({
    dev: {
      ids: [`mb-${device.node}`],
      name: device.name.slice(0, MAX_NAME),
      ...(device.model !== undefined && { mdl: device.model.slice(0, MAX_NAME) }),
    },
    o: { name: 'meshbridge', sw: device.version },
    cmps: Object.fromEntries(known.map((field) => [field, componentOf(device.node, field, SENSORS[field]!)])),
    stat_t: device.teleTopic,
    avty: [{ t: device.statusTopic, val_tpl: "{{'online' if value_json.state=='online' else 'offline'}}" }],
  });
}

function componentOf(node: string, field: string, { name, unit, kind, stat, on }: Sensor): object {
  const value = `value_json.${field}`;
  const test = on?.startsWith('!') ? `${value}!=${on.slice(1)}` : `${value}==${on}`;
  return {
    p: on === undefined ? 'sensor' : 'binary_sensor',
    name,
    uniq_id: `${node}-${field}`,
    val_tpl: on === undefined ? `{{${value}}}` : `{{'ON' if ${test} else 'OFF'}}`,
    ...(kind !== undefined && { dev_cla: kind }),
    ...(unit !== undefined && { unit_of_meas: unit }),
    ...(stat !== undefined && { stat_cla: stat }),
  };
}

export interface HomeAssistantParts {
  /** Calls once, after a while. */
  after(delayMs: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  device(): Device;
  /** Numbers of the newest heartbeat; `undefined`: none was measured yet. */
  fields(): readonly string[] | undefined;
  /** Publishes the description, retained; an empty text takes it back. */
  publish(text: string): void;
  /** It started: it knows no number. */
  onBirth(): void;
}

/** Home Assistant at one broker. */
export class HomeAssistant {
  private told: string | undefined;
  private timer: (() => void) | undefined;

  constructor(private readonly parts: HomeAssistantParts) {}

  /** Describes the router where it was not described like this on this connection. */
  offer(): void {
    const fields = this.parts.fields();
    if (!fields) return;
    const text = describeDevice(this.parts.device(), fields);
    if (text === this.told) return;
    this.told = text;
    this.parts.publish(text);
  }

  /** The broker was reached: it may have lost what it had. */
  connected(): void {
    this.told = undefined;
    this.offer();
  }

  /** What came on BIRTH_TOPIC. */
  heard(text: string): void {
    if (text !== 'online' || this.timer) return;
    this.timer = this.parts.after(this.parts.random() * BIRTH_SPREAD_MS, () => {
      this.timer = undefined;
      this.connected();
      this.parts.onBirth();
    });
  }

  /** Takes the description back, and rests. */
  remove(): void {
    this.stop();
    this.told = undefined;
    this.parts.publish('');
  }

  stop(): void {
    this.timer?.();
    this.timer = undefined;
  }
}
