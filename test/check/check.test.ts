import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { github, junit, sarif } from '../../src/check/report/machine.ts';
import { checkJsonSchema, checkResultsSchema } from '../../src/check/report/schema.ts';
import { type CheckOptions, type CheckResult, checkScenario } from '../../src/check/run/check.ts';
import { disturb } from '../../src/check/run/disturb.ts';
import { type Prepared, prepare } from '../../src/check/run/property.ts';
import { subjectOf } from '../../src/check/run/subject.ts';
import { reachability } from '../../src/check/testing/reachability.ts';
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

const scenarioWith = (objects: readonly object[]) =>
  parsed(JSON.stringify({ name: 'x', steps: objects.map((object) => ({ apply: `${JSON.stringify(object)}\n` })) }));

/** Checks properties of some objects. */
function check(
  objects: readonly object[],
  properties: readonly object[],
  options: Partial<CheckOptions> = {},
  cluster: object = {},
): CheckResult {
  const text = JSON.stringify({
    name: 'x',
    cluster,
    steps: objects.map((object) => ({ apply: `${JSON.stringify(object)}\n` })),
    properties,
  });
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
    expect(result?.counterexample?.derivation).toEqual(['allowed by CiliumNetworkPolicy default/rule1, spec.ingress[0]  ships.yaml:1:178']);
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
      'allowed by CiliumNetworkPolicy default/rule1, spec.ingress[0]  ships.yaml:1:178',
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
      ['not among what is allowed by CiliumNetworkPolicy default/rule1, spec.ingress[0]  ships.yaml:1:178'],
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

  it('from outside, through the proxy: an address that no policy names', () => {
    const open = cnp('open', {
      ...DEATHSTAR,
      ingress: [
        {
          fromEntities: ['world'],
          toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path: '/v1/' }] } }],
        },
      ],
    });
    const world = { from: { entity: 'world' }, to: { labels: { class: 'deathstar' } }, ports: [80] };
    const { properties } = check(
      [...SHIPS, open],
      [
        { name: 'reads', never: { ...world, http: [{ method: 'GET', path: '/v1/' }] } },
        { name: 'writes', never: { ...world, http: [{ method: 'PUT', path: '/v1/' }] } },
      ],
    );
    expect(properties.map(({ verdict }) => verdict)).toEqual(['broken', 'holds']);
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

/** What a property's only counterexample says; every one is confirmed by packets. */
const told = ({ properties }: CheckResult): readonly string[] => {
  const found = properties[0]?.counterexample;
  expect(found?.unconfirmed ?? null).toBeNull();
  return found === null || found === undefined ? [] : [found.summary, ...found.derivation];
};
const TO_DEATHSTAR = { to: { labels: { class: 'deathstar' } } };

describe('what can be tried', () => {
  it('UDP, SCTP and ping', () => {
    const open = cnp('open', { ...DEATHSTAR, ingress: [{ fromEndpoints: [{ matchLabels: { org: 'empire' } }] }] });
    for (const [ports, says] of [
      [['53/UDP'], 'default/tiefighter sends UDP to default/deathstar port 53: it reaches the destination'],
      [['8/ICMP'], 'default/tiefighter sends a ping to default/deathstar: it reaches the destination'],
    ] as const) {
      const never = { name: 'x', never: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports } };
      expect(told(check([...SHIPS, open], [never]))[0]).toBe(says);
      expect(check([...SHIPS, article('/')], [never]).passed).toBe(true);
    }
    const sctp = { name: 'x', never: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports: ['5000/SCTP'] } };
    expect(check([...SHIPS, open], [sctp]).passed).toBe(true);
    expect(told(check([...SHIPS, open], [sctp], {}, { options: { 'enable-sctp': true } }))[0]).toContain('sends SCTP');
  });

  it('the node, which comes in unless told otherwise', () => {
    const never = { name: 'x', never: { from: { entity: 'host' }, ...TO_DEATHSTAR, ports: [443] } };
    expect(told(check([...SHIPS, article('/')], [never]))[0]).toContain('the node sends GET');
    expect(check([...SHIPS, article('/')], [never], {}, { options: { 'allow-localhost': 'policy' } }).passed).toBe(true);
  });

  it('names: the DNS proxy has to see them', () => {
    const world = [{ name: 'api.example.org', ip: '203.0.113.7' }];
    const egress = (dns: object) => ({
      endpointSelector: {},
      egress: [
        { toFQDNs: [{ matchPattern: '*.example.org' }] },
        {
          toEndpoints: [{ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s-app': 'kube-dns' } }],
          toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], ...dns }],
        },
      ],
    });
    const never = { name: 'x', never: { from: { pod: 'tiefighter' }, to: { name: 'api.example.org' }, ports: [80] } };
    const rules = cnp('dns', egress({ rules: { dns: [{ matchPattern: '*' }] } }));
    expect(told(check([...SHIPS, rules], [never], {}, { world }))[0]).toBe(
      'default/tiefighter sends GET / to api.example.org port 80: it reaches the destination',
    );
    expect(check([...SHIPS, cnp('dns', egress({}))], [never], {}, { world }).passed).toBe(true);
  });

  it('paths that the proxy rewrites: what counts is what arrives', () => {
    const open = article('/v1/[a-z-]+');
    const only = (path: string) => ({ ...ONLY_LAND, only: { ...ONLY_LAND.only, http: [{ method: 'POST', path }] } });
    expect(check([...SHIPS, open], [only('/v1/[a-z-]+')]).passed).toBe(true);
    const raw = check([...SHIPS, open], [only('/v1/[a-z-]+')], {}, { options: { 'http-normalize-path': false } });
    expect(raw.passed).toBe(true);
    const never = { name: 'x', never: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, http: [{ path: '/v1/exhaust-port' }] } };
    expect(told(check([...SHIPS, article('/.*')], [never]))[0]).toContain('/v1/exhaust-port');
  });
});

describe('what the scenario says', () => {
  const never = { name: 'x', never: { from: { labels: { org: 'alliance' } }, ...TO_DEATHSTAR } };

  it('a deleted policy does not count', () => {
    const text = {
      name: 'x',
      steps: [...SHIPS, article('/')].map((one) => ({ apply: `${JSON.stringify(one)}\n` })),
      properties: [never],
    };
    expect(checkScenario(parsed(JSON.stringify(text)), { ...OPTIONS, builtins: false }).passed).toBe(true);
    const deleted = { ...text, steps: [...text.steps, { delete: ['cnp/rule1'] }] };
    expect(told(checkScenario(parsed(JSON.stringify(deleted)), { ...OPTIONS, builtins: false }))).toContain(
      'nothing selects either end: no policy is enforced',
    );
  });

  it('options of the cluster: enforcement, audit mode, its name', () => {
    const open = { name: 'x', never: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports: [80] } };
    expect(check(SHIPS, [open]).passed).toBe(false);
    expect(check(SHIPS, [open], {}, { options: { 'enable-policy': 'always' } }).passed).toBe(true);
    expect(told(check([...SHIPS, article('/')], [never], {}, { options: { 'policy-audit-mode': true } }))).not.toEqual([]);
    const named = cnp('named', {
      ...DEATHSTAR,
      ingress: [{ fromEndpoints: [{ matchLabels: { 'io.cilium.k8s.policy.cluster': 'far' } }] }],
    });
    expect(check([...SHIPS, named], [open]).passed).toBe(true);
    expect(told(check([...SHIPS, named], [open], {}, { name: 'far' }))).not.toEqual([]);
  });

  it('a policy that the agents refuse is not there, and is told', () => {
    const wrong = cnp('wrong', { ...DEATHSTAR, ingress: [{ fromCIDR: ['10.0.0.0/99'] }] });
    const result = check([...SHIPS, wrong], [never]);
    expect(result.passed).toBe(false);
    expect(result.refused[0]).toMatchObject({ policy: 'CiliumNetworkPolicy default/wrong', position: { file: 'ships.yaml' } });
  });
});

describe('while pods are relabelled', () => {
  it('a label more opens the door', () => {
    const rule = cnp('rule', { ...DEATHSTAR, ingress: [{ fromEndpoints: [{ matchLabels: { pass: 'yes' } }] }] });
    const never = { name: 'x', never: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports: [80] } };
    expect(check([...SHIPS, rule], [never]).passed).toBe(true);
    const said = told(check([...SHIPS, rule], [{ ...never, also: ['while pods are relabelled'] }]));
    expect(said[1]).toBe('default/deathstar is relabelled: from the labels org=empire, class=deathstar to the labels class=deathstar');
    const other = { ...never.never, to: { labels: { class: 'deathstar', org: 'empire' } } };
    expect(told(check([...SHIPS, rule], [{ ...never, never: other, also: ['while pods are relabelled'] }]))[1]).toBe(
      'default/tiefighter is relabelled: from the labels org=empire, class=tiefighter to the labels org=empire, class=tiefighter, pass=yes',
    );
  });

  it('always: a label less closes it', () => {
    const always = {
      name: 'x',
      always: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports: [80], http: [{ method: 'POST', path: '/' }] },
    };
    expect(check([...SHIPS, article('/')], [always]).passed).toBe(true);
    const said = told(check([...SHIPS, article('/')], [{ ...always, also: ['while pods are relabelled'] }]));
    expect(said[1]).toContain('default/tiefighter is relabelled: from the labels org=empire, class=tiefighter to ');
  });
});

describe('restarts', () => {
  const also = ['during proxy restart', 'during agent restart'];
  const landing = [{ method: 'POST', path: '/v1/request-landing' }];

  it('what a policy closes stays closed, and what it opens is open again', () => {
    const always = { name: 'landing', also, always: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports: [80], http: landing } };
    const result = check([...SHIPS, article('/v1/request-landing')], [{ ...ONLY_LAND, also }, always], { runs: 300 });
    expect(result.properties.map(({ counterexample }) => counterexample?.summary ?? null)).toEqual([null, null]);
    expect(result.properties.every(({ runs }) => runs > 300)).toBe(true);
  });

  it('what gets through is found', () => {
    // Told that a landing is not allowed, the search finds that it is.
    const never = {
      name: 'no landing',
      never: { from: { pod: 'tiefighter' }, ...TO_DEATHSTAR, ports: [{ port: 80, protocol: 'TCP' }], http: landing },
    };
    const prepared = prepare(never as never, subjectOf(scenarioWith([...SHIPS, article('/v1/request-landing')])));
    const asked = { method: 'POST', path: '/v1/request-landing', host: '', headers: {} };
    const lying: Prepared = {
      ...prepared,
      cases: prepared.cases?.map((one) => ({ ...one, request: asked })) ?? null,
      reach: () => ({ reaches: 'no', how: 'denied', at: 'ingress', by: [] }),
      breaks: () => null,
      forbids: () => true,
    };
    for (const who of ['proxy', 'agent'] as const) {
      const found = disturb(lying, who, 1, '');
      expect(found.broken?.derivation).toBe(`the ${who} is stopped and started again`);
      expect(runScenario(parsed(found.broken?.scenario ?? '')).passed).toBe(false);
    }
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

  it('finds that what is reopened may ask for anything: the proxy takes the deny for an allow', () => {
    const deny = cnp('deny', { ...DEATHSTAR, ingressDeny: [{ fromEndpoints: [{ matchLabels: { class: 'tiefighter' } }] }] });
    const put = {
      name: 'no PUT',
      never: { from: { labels: { class: 'tiefighter' } }, to: { labels: { class: 'deathstar' } }, ports: [80], http: [{ method: 'PUT' }] },
    };
    const [property] = check([...SHIPS, deny, article('/v1/request-landing')], [put]).properties;
    expect(property?.verdict).toBe('broken');
    expect(property?.counterexample?.unconfirmed).toBeNull();
  });

  it('does not count on an answer where the proxy redirects although content is free', () => {
    const free = cnp('free', { ...DEATHSTAR, ingress: [{ fromEndpoints: [{ matchLabels: { org: 'empire' } }] }] });
    const cluster = reachability(...[...SHIPS, article('/public'), free].map((object) => JSON.stringify(object)));
    const reaches = (path: string) => cluster.ask({ from: 'tiefighter', to: 'deathstar', path }).reaches;
    expect(['/anything', '/public%2F', '/a/../b'].map(reaches)).toEqual(['yes', 'no', 'yes']);
  });

  it('holds where nothing is denied', () => {
    expect(check([...SHIPS, article('/v1/request-landing')], [], { builtins: true }).passed).toBe(true);
  });
});

describe('formats', () => {
  it('JSON, as the schema says', () => {
    const results: readonly CheckResult[] = [check([...SHIPS, article('/v1/.*')], [ONLY_LAND])];
    const validate = new Ajv2020({ strict: false }).compile(checkJsonSchema());
    expect(validate(JSON.parse(JSON.stringify(results))), JSON.stringify(validate.errors)).toBe(true);
    expect(validate([{ ...results[0], passed: 'yes' }])).toBe(false);
    expect(checkResultsSchema.parse(results)).toEqual(results);
  });

  const result = check([...SHIPS, article('/v1/.*')], [{ ...ONLY_LAND, name: 'only <land> & "go", 100%' }]);

  it('JUnit', () => {
    const text = junit([result]);
    expect(text).toContain('<testsuite name="ships.yaml" tests="1" failures="1" errors="0" skipped="0">');
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
    ['{name: x, never: {from: {}, to: {pod: a}}}', 'say who: labels, namespace, pod, service, entity, cidr or name'],
    ['{name: x, never: {from: {pod: a}, to: {pod: a}, ports: [0]}}', 'expected'],
    ['{name: x, never: {from: {pod: a}, to: {pod: a}, ports: ["99999"]}}', 'expected a port from 1 to 65535'],
    ['{name: x, never: {from: {pod: a}, to: {pod: a}, http: [{path: "("}]}}', 'expected a regular expression'],
    ['{name: x, never: {from: {entity: worlds}, to: {pod: a}}}', 'did you mean "world"'],
    ['{name: x, also: [whenever], never: {from: {pod: a}, to: {pod: a}}}', 'after any one policy is deleted'],
  ])('%s', (text, message) => {
    expect(issues(text).join('\n')).toContain(message);
  });
});

it('a property of one pod and itself, or of the node and the world, is about nobody', () => {
  for (const [from, to] of [
    [{ pod: 'deathstar' }, { pod: 'deathstar' }],
    [{ entity: 'host' }, { entity: 'world' }],
  ]) {
    expect(check(SHIPS, [{ name: 'x', never: { from, to } }], { runs: 200 }).properties[0]?.verdict).toBe('vacuous');
  }
});
