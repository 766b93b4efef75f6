import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/sim/clock.ts';
import { NETWORK_POLICY_TYPE_URL } from '../../src/xds/stream.ts';
import { CLIENT, EXHAUST, LANDING, OK_RESPONSE, POD, REQUEST_ID, Rig, sentText } from './support.ts';

const DENIED =
  'HTTP/1.1 403 Forbidden\r\ncontent-length: 15\r\ncontent-type: text/plain\r\ndate: Tue, 20 Jun 2023 10:00:00 GMT\r\nserver: envoy\r\n\r\nAccess denied\r\n';

describe("the article's requests", () => {
  it('POST passes with the byte counts of the conntrack rows', () => {
    const rig = new Rig();
    const received = rig.ask(LANDING);
    expect(LANDING.length).toBe(118);
    expect(rig.backendReceived[0]).toBe(
      'POST /v1/request-landing HTTP/1.1\r\nhost: deathstar.default.svc.cluster.local\r\nuser-agent: curl/7.52.1\r\naccept: */*\r\n' +
        `x-forwarded-proto: http\r\nx-request-id: ${REQUEST_ID}\r\nx-envoy-expected-rq-timeout-ms: 3600000\r\ncontent-length: 0\r\n\r\n`,
    );
    expect(rig.backendReceived[0]).toHaveLength(255);
    expect(OK_RESPONSE).toHaveLength(114);
    expect(received).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: Tue, 20 Jun 2023 10:00:00 GMT\r\ncontent-length: 12\r\n' +
        'x-envoy-upstream-service-time: 0\r\nserver: envoy\r\n\r\nShip landed\n',
    );
    expect(received).toHaveLength(163);
    expect(rig.upstreams()[0]?.sent).toHaveLength(1);
    expect(rig.logTypes()).toEqual(['Request', 'Response']);
  });

  it('marks the upstream socket with the source identity', () => {
    const rig = new Rig();
    rig.ask(LANDING);
    expect(rig.upstreams()[0]?.mark).toBe(0x72ff0a00);
    expect(rig.upstreams()[0]?.remote).toEqual({ address: 0x0a00006f, port: 80 });
    expect(rig.net.connects.at(-1)?.local).toBeUndefined();
  });

  it('PUT is answered 403 after an upstream connection that carries nothing', () => {
    const rig = new Rig();
    expect(rig.ask(EXHAUST)).toBe(DENIED);
    expect(DENIED).toHaveLength(139);
    const [upstream] = rig.upstreams();
    expect(upstream?.sent).toEqual([]);
    expect(upstream?.closedBy).toBe('close');
    expect(rig.logTypes()).toEqual(['Denied', 'Response']);
    expect(rig.logs[1]?.http?.status).toBe(403);
  });

  it('a denied request closes the idle connection it was given', () => {
    const rig = new Rig();
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    client.send(EXHAUST);
    rig.settle();
    expect(client.received.slice(163)).toBe(DENIED);
    expect(rig.upstreams()).toHaveLength(1);
    expect(sentText(rig.upstreams()[0] as never)).toHaveLength(255);
    expect(rig.upstreams()[0]?.closedBy).toBe('close');
    // The client's connection goes on.
    client.send(LANDING);
    rig.settle();
    expect(client.received).toHaveLength(163 + 139 + 163);
    expect(rig.upstreams()).toHaveLength(2);
  });

  it('logs what the request looked like upstream', () => {
    const rig = new Rig();
    rig.ask(LANDING);
    const [request, response] = rig.logs;
    expect(request).toMatchObject({
      is_ingress: true,
      policy_name: POD,
      source_security_id: 29439,
      destination_security_id: 2033,
      source_address: `${CLIENT}:40000`,
      destination_address: `${POD}:80`,
      http: {
        http_protocol: 'HTTP11',
        scheme: 'http',
        method: 'POST',
        path: '/v1/request-landing',
        host: 'deathstar.default.svc.cluster.local',
        status: 0,
      },
    });
    expect(request?.http?.headers.map((header) => header.key)).toEqual([
      ':scheme',
      'user-agent',
      'accept',
      'x-request-id',
      'x-envoy-expected-rq-timeout-ms',
    ]);
    expect(response?.http?.headers.map((header) => header.key)).toEqual([
      'x-request-id',
      'content-type',
      'date',
      'content-length',
      'x-envoy-upstream-service-time',
    ]);
    expect(response?.http?.status).toBe(200);
    expect(request?.timestamp).toBe(1_687_255_200_000_000_000n);
  });

  it('closes the idle upstream connection when the host is dropped, at the phase of the clean-up timer', () => {
    for (const phase of [0, 0.2, 0.9, 1.4]) {
      const rig = new Rig({ envoy: { cleanupPhase: 1000 * SECOND + phase * SECOND } });
      const start = rig.clock.now();
      rig.ask(LANDING);
      let closedAt = -1;
      for (let t = 0; t < 4000 && closedAt < 0; t += 10) {
        rig.settle(10 * MILLISECOND);
        if (rig.upstreams()[0]?.closedBy !== null) {
          closedAt = (rig.clock.now() - start) / SECOND;
        }
      }
      expect(closedAt).toBeCloseTo((phase === 0 ? 1.5 : phase) + 1.5, 1);
      expect(rig.upstreams()[0]?.closedBy).toBe('close');
    }
  });

  it('records a journey with the rule that decided', () => {
    const rig = new Rig({ recording: true });
    rig.ask(LANDING);
    rig.ask(EXHAUST);
    const verdicts = rig.journey.steps.filter((step) => step.kind === 'decide' && step.fn === 'cilium.l7policy');
    expect(verdicts).toHaveLength(2);
    expect(verdicts[0]).toMatchObject({
      verdict: 'allow',
      data: { endpointId: 863, direction: 'ingress', port: 80, match: { rule: 0, httpRule: 0, portIndex: 0 } },
    });
    expect(verdicts[1]).toMatchObject({ verdict: 'deny' });
    expect((verdicts[1] as { why: string }).why).toContain(':method "PUT", wanted regex "POST"');
    expect(rig.journey.steps.some((step) => step.kind === 'lookup' && step.map === 'cilium_ct4_global' && step.entry === null)).toBe(true);
    expect(rig.journey.steps.some((step) => step.kind === 'lookup' && step.map === 'cilium_ipcache')).toBe(true);
  });

  it('shows the policy in the dump as the article prints it', () => {
    const rig = new Rig();
    const dump = JSON.parse(rig.envoy.admin.get('/config_dump?include_eds').body) as {
      configs: { '@type': string; networkpolicies?: unknown }[];
    };
    const policies = dump.configs.find((config) => config['@type'] === 'type.googleapis.com/cilium.NetworkPoliciesConfigDump');
    expect(policies?.networkpolicies).toEqual([
      {
        endpoint_ips: [POD],
        endpoint_id: '863',
        ingress_per_port_policies: [
          {
            port: 80,
            rules: [
              {
                http_rules: {
                  http_rules: [
                    {
                      headers: [
                        { name: ':method', safe_regex_match: { google_re2: {}, regex: 'POST' } },
                        { name: ':path', safe_regex_match: { google_re2: {}, regex: '/v1/request-landing' } },
                      ],
                    },
                  ],
                },
              },
            ],
          },
        ],
        egress_per_port_policies: [{}],
        conntrack_map_name: 'global',
      },
    ]);
    expect(rig.xds.last(NETWORK_POLICY_TYPE_URL)?.versionInfo).toBe('1');
  });
});
