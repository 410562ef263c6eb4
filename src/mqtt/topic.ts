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

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
