/** A team tests its own policies: `npm i -D trenchrun vitest fast-check`, then `npx vitest run`. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { labels, matchers, pod, reachability, requestNear } from 'trenchrun/testing';
import { describe, expect, it } from 'vitest';
// The matchers and their types; in `setupFiles` it is done once for all tests.
import 'trenchrun/vitest';

const database = reachability(readFileSync(new URL('policies.yaml', import.meta.url), 'utf8'));

describe('the database', () => {
  it('answers the API and nobody else', () => {
    expect(database).toAllow({ from: 'api', to: 'db', path: '/rows/1' });
    expect(database).toDeny({ from: 'web', to: 'db', path: '/rows/1' });
    expect(database).not.toAllow({ from: 'api', to: 'db', path: '/rows/1', method: 'DELETE' });
  });

  it('gets rows by number and nothing else, whatever the API asks for', () => {
    fc.assert(
      fc.property(requestNear({ method: 'GET', path: '/rows/[0-9]+' }), (request) => {
        const answer = database.ask({ from: 'api', to: 'db', ...request });
        // What counts is what arrives: the proxy takes dots and double slashes out of a path before it looks at it.
        return answer.reaches !== 'yes' || /^\/rows\/[0-9]+$/.test(answer.request.path);
      }),
    );
  });

  it('is closed to pods that are not the API, whatever else they are', () => {
    fc.assert(
      fc.property(pod(), labels(), (one, some) => {
        const stranger = { ...one, labels: { ...some, app: 'web' } };
        return matchers.toDeny(database, { from: stranger, to: 'db', path: '/rows/1' }).pass;
      }),
    );
  });
});
