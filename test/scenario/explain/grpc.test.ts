/** Questions about gRPC calls. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainManifests, explanationText, parseQuestion, plainText } from '../../../src/index.ts';
import { explanationSchema } from '../../../src/scenario/schema/explanation.ts';
import { TOP } from '../../house/support/source.ts';

const FOLDER = join(TOP, 'scenarios', 'grpc', 'manifests');
const MANIFESTS = ['cc-door-app.yaml', 'cc-door-ingress-security.yaml'].map((file) => ({
  file,
  text: readFileSync(join(FOLDER, file), 'utf8'),
  indent: 0,
}));

const ENDS = { from: 'terminal-87', to: 'svc/cc-door-server', headers: [] };

function ask(grpc: string) {
  const question = parseQuestion({ ...ENDS, grpc });
  const answer = question.ok ? explainManifests(MANIFESTS, question.value) : null;
  if (answer === null || 'issues' in answer || !answer.ok) {
    throw new Error('no answer');
  }
  return answer.value;
}

describe('explain --grpc', () => {
  it('a call that a rule names', () => {
    const answer = ask('cloudcity.DoorManager/GetName');
    expect([answer.verdict, answer.decidedBy, answer.outcome]).toEqual(['allowed', 'cilium.l7policy', '200']);
    expect(answer.question.http).toMatchObject({ method: 'POST', path: '/cloudcity.DoorManager/GetName', http2: true });
    expect(explanationSchema.safeParse(JSON.parse(JSON.stringify(answer))).success).toBe(true);
  });

  it('one that no rule names: denied, though the status is 200', () => {
    const answer = ask('/cloudcity.DoorManager/SetAccessCode');
    expect([answer.verdict, answer.outcome]).toEqual(['denied', '200 grpc-status 7']);
    expect(plainText(explanationText(answer))).toContain('wanted regex "/cloudcity.DoorManager/GetLocation"');
  });

  it.each(['', 'x', '/a/b/c', 'a b/c', 'a/', '/'])('%j is no method', (grpc) => {
    expect(parseQuestion({ ...ENDS, grpc })).toMatchObject({ ok: false, error: expect.stringContaining('is no gRPC method') as string });
  });

  it('is not asked beside --http', () => {
    expect(parseQuestion({ ...ENDS, grpc: 'a.b/c', http: '/' })).toMatchObject({ ok: false });
  });
});
