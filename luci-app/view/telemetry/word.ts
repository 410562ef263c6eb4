// Plain words for what the contract of MQTT names in one: scopes, measurements, topics, refusals.

import { METRIC_GROUPS, type MetricGroup, OPTIONAL_TOPICS, type OptionalTopic } from '../../../src/api/topics.ts';
import { join } from '../part/join.ts';

type Choice = readonly [value: string, title: string];

/** The word for a name of the contract; of one that is not known, the name. */
export function word(words: Readonly<Record<string, string>>, name: string): string {
  return new Map(Object.entries(words)).get(name) ?? name;
}

/** What somebody may do, in short. */
export function scopeWord(scope: string): string {
  return word(
    {
      none: _('nothing'),
      observe: _('look'),
      diagnose: _('find out'),
      operate: _('operate'),
      configure: _('change the configuration'),
      desk: _('decide on homes'),
    },
    scope,
  );
}

/** Scopes to choose from, each explained. */
export function scopeChoices(scopes: readonly string[]): Choice[] {
  const meanings: Record<string, string> = {
    observe: _('ask how the mesh is'),
    diagnose: _('also test links, and read the log for a while'),
    operate: _('also add and remove peers until a restart, restart the daemon'),
    configure: _('also change peers and radio for good'),
    desk: _('see and decide on homes, where this router is a gateway whose operator lets keys do that'),
  };
  return scopes.map((scope) => [scope, meanings[scope] ? `${scopeWord(scope)}: ${meanings[scope]}` : scopeWord(scope)]);
}

/** Groups of measurements that a broker may get. */
export function metricChoices(): Choice[] {
  const words: Record<MetricGroup, string> = {
    own: _('whether the mesh works'),
    yggdrasil: _('peers and traffic of the mesh'),
    uplink: _('Internet lines'),
    radio: _('Wi-Fi: channels, how many devices, signal'),
    system: _('load, memory, temperature'),
    internet: _('way to the Internet through a gateway'),
    gateway: _('homes that use this router as a gateway'),
  };
  return METRIC_GROUPS.map((group) => [group, words[group]]);
}

/** Kinds of messages that a broker may get. */
export function topicChoices(): Choice[] {
  const words: Record<OptionalTopic, string> = {
    state: _('all measurements, every 15 minutes'),
    tele: _('the most important numbers, more often'),
    evt: _('what happens: peers that come and go, lines that fail'),
    alarm: _('what needs a person'),
    log: _('the daemon’s log, when a trusted key asks for it'),
  };
  return OPTIONAL_TOPICS.map((topic) => [topic, words[topic]]);
}

/** What a message is, by its topic. */
export function messageWord(topic: string): string {
  const [, , , , name = '', tail] = topic.split('/');
  const words: Record<string, string> = {
    status: _('Sign of life'),
    info: _('What this router is'),
    state: _('All measurements'),
    tele: _('Some measurements'),
    evt: _('Something happened'),
    alarm: _('Alarm'),
    res: _('Answer to a command'),
    have: _('Which configuration it has'),
    held: _('Which list of homes it has'),
    use: _('What homes used of it, for the operator’s other gateways'),
    log: _('Lines of the log'),
  };
  if (topic.startsWith('homeassistant/')) return _('For Home Assistant');
  return join([word(words, name) || topic, tail], ': ');
}

/** Why messages were refused. */
export function refusalWord(code: string): string {
  const old = _('old, or sent twice');
  const unclear = _('not to be understood');
  const unsigned = _('not signed by a trusted key');
  return word(
    {
      'unknown-key': unsigned,
      signature: unsigned,
      retained: old,
      session: old,
      dup: old,
      refused: old,
      counter: old,
      expired: old,
      'not-yet': _('too early'),
      oversize: unclear,
      malformed: unclear,
      'unknown-op': unclear,
      arguments: unclear,
      reserved: unclear,
      busy: _('too many at once'),
      audience: _('meant for another router'),
      scope: _('not permitted'),
      journal: _('could not be put on record'),
    },
    code,
  );
}

/** A key as people read it out to one another. */
export function fingerprint(key: string): string {
  return key.slice(0, 32).replace(/(.{4})(?=.)/g, '$1 ');
}
