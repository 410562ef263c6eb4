// A peering's URI as a text: what tells it apart from others, its options, and what of it may be shown. Pages use it too: ES2020 only.

/** What a node knows a peering by: its URI without the query, scheme in lower case, zone written `%25`. Any text is taken, valid or not. */
export function identityOf(uri: string): string {
  const [identity = ''] = splitAt(uri, '?');
  return identity
    .replace(/^[a-z]+:\/\//i, (scheme) => scheme.toLowerCase())
    .replace(/\[([0-9a-f:.]+)%(25)?/gi, '[$1%25');
}

/** A peering URI with the options of another, which take the place of those of the same name. Any texts are taken. */
export function withOptions(uri: string, other: string): string {
  const nameOf = (pair: string): string => splitAt(pair, '=')[0];
  const pairsOf = (text: string): string[] => (splitAt(text, '?')[1] ?? '').split('&').filter((pair) => pair !== '');
  const given = pairsOf(other);
  const names = new Set(given.map(nameOf));
  const pairs = [...pairsOf(uri).filter((pair) => !names.has(nameOf(pair))), ...given];
  const [body] = splitAt(uri, '?');
  return pairs.length === 0 ? body : `${body}?${pairs.join('&')}`;
}

/** The URI without user, password and whatever option is not known to be harmless; for logs and error texts. Any text is taken. */
export function redact(uri: string): string {
  const [body = '', query] = splitAt(uri, '?');
  const start = body.indexOf('://') < 0 ? 0 : body.indexOf('://') + 3;
  const at = body.lastIndexOf('@');
  // a user's password that holds a ? ends the body before its @
  const hidden = at < 0 && query?.includes('@') ? body.length : at;
  const open = hidden < start ? body : `${body.slice(0, start)}…${body.slice(hidden)}`;
  if (query === undefined) return open;
  return `${open}?${query.split('&').map(redactOption).join('&')}`;
}

function redactOption(option: string): string {
  if (/^(key|priority|maxbackoff|sni|origin)=[\w.:/%+-]*$/.test(option)) return option;
  return /^password=/.test(option) ? 'password=…' : '…';
}

/** Both sides of the first `mark`; the second is `undefined` without it. */
export function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
