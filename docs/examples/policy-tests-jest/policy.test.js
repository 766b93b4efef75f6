/** The same tests with Jest: `npm i -D trenchrun jest fast-check`, then `npx jest`. */
// @ts-check
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const fc = require('fast-check');
const { labels, matchers, pod, reachability, requestNear } = require('trenchrun/testing');
// The matchers and their types; in `setupFilesAfterEnv` it is done once for all tests.
require('trenchrun/jest');

const database = reachability(readFileSync(join(__dirname, '../policy-tests/policies.yaml'), 'utf8'));

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
