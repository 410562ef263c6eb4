// What names of topics and filters may look like. Source: MQTT 5.0, section 4.7; 3.1.1 says the same.

/** Why no message can have this topic, or `undefined`. */
export function topicProblem(topic: string): string | undefined {
  if (topic === '') return 'empty, expected the name of a topic';
  return /[+#\0]/.test(topic) ? `a wildcard or NUL in it: ${shown(topic)}` : undefined;
}

/** Why nobody can subscribe to this filter, or `undefined`. */
export function filterProblem(filter: string): string | undefined {
  if (filter === '') return 'empty, expected a filter';
  const isFit = filter
    .split('/')
    .every((level, i, levels) => /^(\+|[^+#\0]*)$/.test(level) || (level === '#' && i === levels.length - 1));
  return isFit ? undefined : `a wildcard or NUL where none may be: ${shown(filter)}`;
}

/** Whether messages on this topic come by a subscription to this filter. Takes no longer for a long topic. */
export function isCovered(topic: string, filter: string): boolean {
  // a broker's own topics: no wildcard stands for the beginning of those
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  let at = 0;
  for (const level of filter.split('/')) {
    if (level === '#') return true;
    if (at > topic.length) return false;
    const slash = topic.indexOf('/', at);
    const end = slash < 0 ? topic.length : slash;
    if (level !== '+' && topic.slice(at, end) !== level) return false;
    at = end + 1;
  }
  return at > topic.length;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
