// What goes over MQTT: groups of measurements and topics, by name.

/** Groups of what is measured, each of which may be kept from a broker. */
export const METRIC_GROUPS = ['own', 'yggdrasil', 'uplink', 'radio', 'system', 'gateway'] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];

/** Topics that may be kept from a broker. */
export const OPTIONAL_TOPICS = ['state', 'tele', 'evt', 'alarm', 'log'] as const;
export type OptionalTopic = (typeof OPTIONAL_TOPICS)[number];
