import { describe, expect, it } from 'vitest';
import { github, junit, sarif } from '../../src/check/report/machine.ts';
import { type CheckOptions, type CheckResult, checkScenario } from '../../src/check/run/check.ts';
import { issueText } from '../../src/scenario/issue.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { runScenario } from '../../src/scenario/run_scenario.ts';

const readFile = () => ({ error: 'no files here' });
const parsed = (text: string, file = 'ships.yaml') => {
  const result = parseScenario(text, { file, readFile });
  if (!result.ok) {
    throw new Error(result.issues.map(issueText).join('\n'));
  }
  return result.scenario;
};
const OPTIONS: CheckOptions = { seed: 1, runs: 10_000, builtins: true, replay: null };

const pod = (name: string, labels: object, namespace = 'default') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
});
const cnp = (name: string, spec: object) => ({ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name }, spec });
const SHIPS = [pod('tiefighter', { org: 'empire', class: 'tiefighter' }), pod('deathstar', { org: 'empire', class: 'deathstar' })];
const DEATHSTAR = { endpointSelector: { matchLabels: { org: 'empire', class: 'deathstar' } } };
const article = (path: string) =>
  cnp('rule1', {
    ...DEATHSTAR,
    ingress: [
      {
        fromEndpoints: [{ matchLabels: { org: 'empire' } }],
        toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'POST', path }] } }],
      },
    ],
  });
const ONLY_LAND = {
  name: 'tiefighter may only POST /v1/request-landing',
  only: {
    from: { labels: { class: 'tiefighter' } },
    to: { labels: { class: 'deathstar' } },
    ports: [80],
    http: [{ method: 'POST', path: '/v1/request-landing' }],
  },
};

/** Checks properties of some objects. */
function check(objects: readonly object[], properties: readonly object[], options: Partial<CheckOptions> = {}): CheckResult {
  const text = JSON.stringify({ name: 'x', steps: objects.map((object) => ({ apply: `${JSON.stringify(object)}\n` })), properties });
  return checkScenario(parsed(text), { ...OPTIONS, builtins: false, ...options });
}

describe('a planted hole', () => {
  const hole = check([...SHIPS, article('/v1/.*')], [ONLY_LAND]);
  const [result] = hole.properties;

  it('is found as POST /v1/, with the element that opens it', () => {
    expect(result?.verdict).toBe('broken');
    expect(result?.counterexample?.summary).toBe(
      'default/tiefighter sends POST /v1/ to default/deathstar port 80: it reaches the destination',
    );
    expect(result?.counterexample?.derivation).toEqual(['allowed by CiliumNetworkPolicy default/rule1, spec.ingress[0]']);
    expect(result?.counterexample?.unconfirmed).toBeNull();
    expect(result?.counterexample?.story).toContain('answered, decided by server');
  });

  it('is written as a scenario that fails until the hole is closed', () => {
    const text = result?.counterexample?.scenario ?? '';
    expect(runScenario(parsed(text)).passed).toBe(false);
    expect(runScenario(parsed(text.replace('path: /v1/.*', 'path: /v1/request-landing'))).passed).toBe(true);
  });

  it('is found again by its handle, and the same by the same seed', () => {
    expect(JSON.stringify(check([...SHIPS, article('/v1/.*')], [ONLY_LAND]))).toBe(JSON.stringify(hole));
    const handle = result?.counterexample?.replay ?? '';
    const again = check([...SHIPS, article('/v1/.*')], [ONLY_LAND], { replay: handle });
    expect(again.properties[0]?.counterexample?.summary).toBe(result?.counterexample?.summary);
    expect(again.properties[0]?.runs).toBe(1);
  });

  it('is not found in the policy of the article', () => {
    expect(check([...SHIPS, article('/v1/request-landing')], [ONLY_LAND]).passed).toBe(true);
  });
});

describe('properties', () => {
  it('never: a pod that does not exist yet gets in, in the fewest labels', () => {
    const { properties } = check(
      [...SHIPS, article('/v1/request-landing')],
      [{ name: 'no rebels', never: { from: { labels: { rebel: 'yes' } }, to: { labels: { class: 'deathstar' } } } }],
    );
    expect(properties[0]?.counterexample?.derivation).toEqual([
      'default/newcomer does not exist yet; it could, with the labels org=empire, rebel=yes',
      'allowed by CiliumNetworkPolicy default/rule1, spec.ingress[0]',
    ]);
    expect(properties[0]?.counterexample?.unconfirmed).toBeNull();
  });

  it('always: says what stands in the way', () => {
    const { properties } = check(
      [...SHIPS, article('/v1/request-landing')],
      [
        {
          name: 'GET works',
          always: { from: { pod: 'tiefighter' }, to: { pod: 'deathstar' }, ports: [80], http: [{ method: 'GET', path: '/v1' }] },
        },
        { name: 'https works', always: { from: { pod: 'tiefighter' }, to: { pod: 'deathstar' }, ports: ['443/TCP'] } },
      ],
    );
    expect(properties.map(({ counterexample }) => counterexample?.derivation)).toEqual([
      ['not among what is allowed by CiliumNetworkPolicy default/rule1, spec.ingress[0]'],
      ['no policy allows it at ingress, where policy is enforced'],
    ]);
    expect(properties.map(({ counterexample }) => counterexample?.unconfirmed)).toEqual([null, null]);
  });

  it('from outside: an address of an allowed prefix', () => {
    const open = cnp('open', { ...DEATHSTAR, ingress: [{ fromCIDR: ['203.0.113.0/28'] }] });
    const { properties } = check(
      [...SHIPS, open],
      [{ name: 'closed to the world', never: { from: { entity: 'world' }, to: { labels: { class: 'deathstar' } } } }],
    );
    expect(properties[0]?.counterexample?.summary).toMatch(/^203\.0\.113\.\d+ sends /);
    expect(properties[0]?.counterexample?.unconfirmed).toBeNull();
  });

  it('after any one policy is deleted: the one whose loss opens the door', () => {
    const never = { name: 'closed', never: { from: { labels: { class: 'xwing' } }, to: { labels: { class: 'deathstar' } } } };
    const policies = [article('/v1/request-landing')];
    expect(check([...SHIPS, ...policies], [never]).properties[0]?.verdict).toBe('broken');
    const closed = { name: 'closed', never: { ...never.never, from: { labels: { org: 'alliance' } } } };
    expect(check([...SHIPS, ...policies], [closed]).passed).toBe(true);
    const { properties } = check([...SHIPS, ...policies], [{ ...closed, also: ['after any one policy is deleted'] }]);
    expect(properties[0]?.counterexample?.derivation[0]).toBe('CiliumNetworkPolicy rule1 is deleted');
    expect(properties[0]?.counterexample?.unconfirmed).toBeNull();
  });

  it('a property about nobody does not hold', () => {
    const { properties, passed } = check(
      [...SHIPS],
      [{ name: 'typo', never: { from: { service: 'deathstr' }, to: { pod: 'deathstar' } } }],
    );
    expect([properties[0]?.verdict, passed]).toEqual(['vacuous', false]);
  });
});

describe('the built-in property', () => {
  const deny = cnp('deny', { ...DEATHSTAR, ingressDeny: [{ fromEndpoints: [{ matchLabels: { class: 'tiefighter' } }] }] });

  it('finds that an L7 rule reopens a deny in 1.13.3, and packets confirm it', () => {
    const { properties } = check([...SHIPS, article('/v1/request-landing'), deny], [], { builtins: true });
    expect(properties[0]?.verdict).toBe('broken');
    expect(properties[0]?.counterexample?.derivation.at(-1)).toContain('quirk 1');
    expect(properties[0]?.counterexample?.unconfirmed).toBeNull();
  });

  it('holds where nothing is denied', () => {
    expect(check([...SHIPS, article('/v1/request-landing')], [], { builtins: true }).passed).toBe(true);
  });
});

describe('formats', () => {
  const result = check([...SHIPS, article('/v1/.*')], [{ ...ONLY_LAND, name: 'only <land> & "go", 100%' }]);

  it('JUnit', () => {
    const text = junit([result]);
    expect(text).toContain('<testsuite name="ships.yaml" tests="1" failures="1">');
    expect(text).toContain('name="only &lt;land&gt; &amp; &quot;go&quot;, 100%"');
  });

  it('SARIF', () => {
    const log = JSON.parse(sarif([result])) as { runs: { results: { locations: unknown[] }[] }[] };
    expect(log.runs[0]?.results[0]?.locations[0]).toMatchObject({ physicalLocation: { artifactLocation: { uri: 'ships.yaml' } } });
  });

  it('GitHub', () => {
    expect(github([result])).toMatch(
      /^::error file=ships\.yaml,line=1,col=\d+,title=only <land> & "go"%2C 100%25::default\/tiefighter sends [^\n]*%0Aallowed by[^\n]*\n$/,
    );
  });
});

describe('a bad section', () => {
  const issues = (properties: string): string[] => {
    const result = parseScenario(`name: x\nsteps: [{advance: 1s}]\nproperties:\n  - ${properties}\n`, { file: 's.yaml', readFile });
    return result.ok ? [] : result.issues.map(issueText);
  };

  it.each([
    ['{name: x}', 's.yaml:4:5: a property has one of: never, only, always'],
    ['{name: x, nver: {}}', 'did you mean "never"'],
    ['{name: x, never: {from: {}, to: {pod: a}}}', 'say who: labels, namespace, pod, service, entity or cidr'],
    ['{name: x, never: {from: {pod: a}, to: {pod: a}, ports: [0]}}', 'expected'],
    ['{name: x, never: {from: {pod: a}, to: {pod: a}, ports: ["99999"]}}', 'expected a port from 1 to 65535'],
    ['{name: x, never: {from: {pod: a}, to: {pod: a}, http: [{path: "("}]}}', 'expected a regular expression'],
    ['{name: x, never: {from: {entity: worlds}, to: {pod: a}}}', 'did you mean "world"'],
    ['{name: x, also: [whenever], never: {from: {pod: a}, to: {pod: a}}}', 'after any one policy is deleted'],
  ])('%s', (text, message) => {
    expect(issues(text).join('\n')).toContain(message);
  });
});
