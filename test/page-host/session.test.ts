import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sessions } from '../../src/page-host/session.ts';

const IDLE_S = 3600;
const LIFE_S = 5 * IDLE_S;

function made() {
  const clock = { ms: 0 };
  const limits = { idleS: IDLE_S, lifeS: LIFE_S };
  return { sessions: new Sessions<{ username: string }>(() => clock.ms, limits), clock };
}

const sessions = suite('Sessions');
sessions('end some time after their last use', () => {
  const { sessions, clock } = made();
  const { id } = sessions.open({ username: 'root' });
  for (let i = 0; i < 3; i++) {
    clock.ms += IDLE_S * 1000;
    assert.is(sessions.find(id)?.username, 'root');
  }
  clock.ms += IDLE_S * 1000 + 1;
  assert.is(sessions.find(id), undefined);
});
sessions('end after some time, however much they are used', () => {
  const { sessions, clock } = made();
  const { id } = sessions.open({ username: 'root' });
  for (let i = 0; i < 5; i++) {
    clock.ms += IDLE_S * 1000;
    assert.ok(sessions.find(id));
  }
  clock.ms += 1;
  assert.is(sessions.find(id), undefined);
});
sessions('make room for new ones', () => {
  const { sessions } = made();
  const ids = Array.from({ length: 65 }, () => sessions.open({ username: 'root' }).id);
  assert.is(sessions.find(ids[0]), undefined);
  assert.is(sessions.find(ids[1])?.id, ids[1]);
});
sessions('have tokens that open one, once', () => {
  const { sessions } = made();
  const token = sessions.issue('root');
  assert.is(sessions.issue('root'), token);
  assert.is(sessions.redeem(token), 'root');
  assert.is(sessions.redeem(token), undefined);
  assert.is.not(sessions.issue('root'), token);
});
sessions('take no name of their own from who is logged in', () => {
  const { sessions } = made();
  const opened = sessions.open({ username: 'root', id: 'mine', token: 'mine' } as { username: string });
  assert.match(opened.id, /^[0-9a-f]{32}$/);
  assert.match(opened.token, /^[0-9a-f]{32}$/);
});
sessions.run();
