import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { viewPage } from '../../src/page-host/page.ts';

const own = suite('viewPage');
own('takes nothing for HTML', () => {
  const text = viewPage({
    view: 'a"b',
    path: 'admin/mesh/x',
    session: 's',
    token: 't',
    rollbackS: 90,
    language: 'de"',
    menu: [{ path: 'admin/mesh/x', title: '<img src=x>' }],
  });
  assert.match(text, /<html lang="de&quot;">/);
  assert.match(text, /data-env="\{&quot;view&quot;:&quot;a\\&quot;b&quot;/);
  assert.match(text, /aria-current="page">&lt;img src=x&gt;</);
});
own.run();
