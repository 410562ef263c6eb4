import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PACKAGES } from '../../build/packages.ts';
import { findShellcheck, isShellScript } from '../support/shell.ts';
import { projectFiles, read } from './source.ts';

const shellcheck = await findShellcheck();

const scripts = suite('shell scripts');
if (typeof shellcheck === 'string') console.log(`skipped: shellcheck of the shell scripts: ${shellcheck}`);
else {
  scripts('are judged', () => {
    assert.match(shellcheck('#!/bin/sh\nrm -r $1\n'), 'SC2086');
    assert.is(shellcheck('#!/bin/sh\nrm -r "$1"\n'), '');
  });
  for (const path of projectFiles().filter((file) => isShellScript(read(file))))
    scripts(`are clean: ${path}`, () => assert.is(shellcheck(read(path)), ''));
  for (const { name, scripts: own } of PACKAGES)
    for (const [when, code] of Object.entries(own))
      scripts(`are clean: ${when} of ${name}`, () => assert.is(shellcheck(`#!/bin/sh\n${code}`), ''));
}
scripts('are told from other files by their first line', () => {
  assert.ok(isShellScript('#!/bin/sh\n'));
  assert.ok(isShellScript('#!/bin/sh /etc/rc.common\n'));
  assert.not.ok(isShellScript('#!/usr/bin/node\n'));
  assert.not.ok(isShellScript('# no script\n#!/bin/sh\n'));
});
scripts.run();
