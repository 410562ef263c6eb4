import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasBlank, hasControl, replaceControls, replaceInvisible } from '../../src/lib/text.ts';

const CONTROLS = ['\0', '\t', '\n', '\x1b', '\x1f', '\x7f', '\x80', '\x9f'];
const PLAIN = [' ', '!', '~', '\u00a0', '\u00a1', 'ü', '网', '🕸', '\uffff'];

const controls = suite('hasControl');
controls('finds every control character, and no other', () => {
  for (let code = 0; code < 0x300; code++)
    assert.is(hasControl(`a${String.fromCharCode(code)}`), code < 32 || (code >= 127 && code < 160), code.toString(16));
  for (const text of PLAIN) assert.is(hasControl(text), false, JSON.stringify(text));
});
controls.run();

// ---

const blanks = suite('hasBlank');
blanks('finds white space and control characters', () => {
  for (const text of [...CONTROLS, ' ', '\u00a0', '\u2003', '\u2028', '\u3000', '\ufeff'])
    assert.is(hasBlank(`a${text}b`), true, JSON.stringify(text));
});
blanks('passes what can be seen', () => {
  for (const text of ['', 'tls://[fe80::1%eth0]:1', '~', 'ü', '网', '🕸']) assert.is(hasBlank(text), false, text);
});
blanks.run();

// ---

const replaced = suite('replaceControls');
replaced('replaces each one', () => {
  assert.is(replaceControls(`a${CONTROLS.join('b')}`, '?'), `a${CONTROLS.map(() => '?').join('b')}`);
  assert.is(replaceControls(PLAIN.join(''), '?'), PLAIN.join(''));
});
replaced.run();

// ---

const invisible = suite('replaceInvisible');
invisible('replaces what turns, joins or hides other characters', () => {
  for (const text of ['\u202e', '\u2066', '\u200b', '\u200d', '\u00ad', '\ufeff', '\u{e0041}', '\n'])
    assert.is(replaceInvisible(`a${text}b`, ' '), 'a b', text.codePointAt(0)!.toString(16));
});
invisible('keeps what can be seen', () => {
  assert.is(replaceInvisible('Straße 网 🕸 é', ' '), 'Straße 网 🕸 é');
});
invisible.run();
