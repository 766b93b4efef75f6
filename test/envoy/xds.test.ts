import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/sim/clock.ts';
import { LISTENER_TYPE_URL, NETWORK_POLICY_TYPE_URL } from '../../src/xds/stream.ts';
import { allowAll, CLIENT, EXHAUST, httpListener, ip, LANDING, landingPolicy, POD, Rig } from './support.ts';

const status = (text: string): number => Number(text.slice(9, 12));
const badPolicy = { ...allowAll('10.0.0.9'), endpoint_id: 9, ingress_per_port_policies: [{ port: 80 }, { port: 80 }] };

describe('policy updates', () => {
  it('apply to live connections', () => {
    const rig = new Rig();
    const client = rig.client();
    client.send(EXHAUST);
    rig.settle();
    rig.policies([allowAll()]);
    rig.settle();
    client.send(EXHAUST);
    rig.settle();
    expect(client.received.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 403', 'HTTP/1.1 200']);
  });

  it('one bad policy refuses the whole update and leaves every verdict', () => {
    const rig = new Rig();
    rig.policies([allowAll(), badPolicy]);
    rig.settle();
    const nack = rig.xds.last(NETWORK_POLICY_TYPE_URL);
    expect(nack).toMatchObject({ versionInfo: '1', responseNonce: '2', errorDetail: 'PortNetworkPolicy: Duplicate port number' });
    expect(status(rig.ask(EXHAUST))).toBe(403);
    expect(status(rig.ask(LANDING))).toBe(200);
    rig.policies([allowAll()]);
    rig.settle();
    expect(rig.xds.last(NETWORK_POLICY_TYPE_URL)).toMatchObject({ versionInfo: '3', responseNonce: '3' });
    expect(status(rig.ask(EXHAUST))).toBe(200);
  });

  it('a refused first update leaves no policy at all', () => {
    const rig = new Rig({ policies: [landingPolicy(), badPolicy] });
    expect(status(rig.ask(LANDING))).toBe(500);
  });

  it('refuse expressions that are too large or no RE2', () => {
    const withPath = (regex: string) => ({
      ...landingPolicy(),
      ingress_per_port_policies: [
        {
          port: 80,
          rules: [{ http_rules: { http_rules: [{ headers: [{ name: ':path', safe_regex_match: { google_re2: {}, regex } }] }] } }],
        },
      ],
    });
    const rig = new Rig();
    for (const [regex, error] of [
      ['(?=x)', /invalid perl operator/],
      ['a{1001}', /invalid repetition size/],
      ['a'.repeat(200), /RE2 program size of \d+ > max program size of 100/],
    ] as const) {
      rig.policies([withPath(regex)]);
      rig.settle();
      expect(rig.xds.last(NETWORK_POLICY_TYPE_URL)?.errorDetail).toMatch(error);
    }
  });

  it('a removed policy denies what lives and gives new connections a 500', () => {
    const rig = new Rig({ policies: [allowAll()] });
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    rig.policies([]);
    rig.settle();
    client.send(LANDING);
    rig.settle();
    expect(client.received).toContain('403 Forbidden');
    expect(status(rig.ask(LANDING))).toBe(500);
  });

  it('the L4 check uses the policy pinned at accept', () => {
    const only = (remote: number) => ({ ...allowAll(), ingress_per_port_policies: [{ port: 80, rules: [{ remote_policies: [remote] }] }] });
    const rig = new Rig({ policies: [only(29439)] });
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    expect(status(client.received)).toBe(200);
    rig.policies([only(1)]);
    rig.settle();
    const connects = rig.upstreams().length;
    client.send(LANDING);
    rig.settle();
    // The pinned policy lets it through to the pool; the fresh one denies it there.
    expect(client.received).toContain('403 Forbidden');
    const fresh = rig.client();
    fresh.send(LANDING);
    rig.settle();
    expect(status(fresh.received)).toBe(403);
    expect(rig.upstreams()).toHaveLength(connects);
  });
});

describe('listener updates', () => {
  it('acknowledges, adds and removes', () => {
    const rig = new Rig({ listener: null });
    expect(rig.net.listening(19313)).toBe(false);
    rig.listeners([httpListener(), httpListener({ ingress: false, port: 15000 })]);
    rig.settle();
    expect(rig.xds.last(LISTENER_TYPE_URL)).toMatchObject({ versionInfo: '2', responseNonce: '2' });
    expect([rig.net.listening(19313), rig.net.listening(15000)]).toEqual([true, true]);
    rig.listeners([httpListener()]);
    rig.settle();
    expect([rig.net.listening(19313), rig.net.listening(15000)]).toEqual([true, false]);
    expect(rig.envoy.admin.get('/listeners').body).toBe('cilium-http-ingress:19313::0.0.0.0:19313\n');
  });

  it('a bad listener is refused by name while good ones come up', () => {
    const rig = new Rig({ listener: null });
    const bad = httpListener({ ingress: true, port: 16000, metadata: { is_l7lb: true } });
    rig.listeners([bad, httpListener()]);
    rig.settle();
    expect(rig.xds.last(LISTENER_TYPE_URL)?.errorDetail).toBe(
      'Error adding/updating listener(s) cilium-http-ingress:16000: cilium.bpf_metadata: is_l7lb may not be set with is_ingress\n',
    );
    expect(rig.net.listening(19313)).toBe(true);
  });

  it('connections of a removed listener end with their next response', () => {
    const rig = new Rig();
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    rig.listeners([]);
    rig.settle();
    client.send(LANDING);
    rig.settle(2 * SECOND);
    expect(client.received.slice(163)).toContain('connection: close');
    expect(client.ended).toBe(true);
  });
});

describe('identity and sources', () => {
  it('conntrack wins over the ipcache, the ipcache over world', () => {
    const rig = new Rig();
    rig.conntrack(CLIENT, 40000, POD, 80, true, 777);
    rig.ask(LANDING);
    rig.ask(LANDING);
    const stranger = rig.client('192.0.2.1');
    stranger.send(LANDING);
    rig.settle();
    expect(rig.logs.filter((entry) => entry.entry_type === 'Request').map((entry) => entry.source_security_id)).toEqual([777, 29439, 2]);
    expect(rig.upstreams().map((socket) => (socket.mark >>> 0).toString(16))).toEqual(['3090a00', '72ff0a00', '20a00']);
  });

  it('egress uses the original source for peers elsewhere, and not for world', () => {
    const listener = httpListener({ ingress: false, metadata: { use_original_source_address: true } });
    const rig = new Rig({ listener, policies: [allowAll(CLIENT)], backend: null });
    for (const peer of ['10.0.1.7', '192.0.2.9']) {
      rig.net.redirect({ address: ip(peer), port: 80 }, 19313);
      rig.serve(peer, 80, () => undefined);
    }
    rig.identity('10.0.1.7', 5000);
    for (const peer of ['10.0.1.7', '192.0.2.9']) {
      rig.client(CLIENT, peer).send(LANDING);
      rig.settle();
    }
    expect(rig.net.connects.filter((one) => (one.mark ?? 0) !== 0).map((one) => [one.local?.address, one.transparent])).toEqual([
      [ip(CLIENT), true],
      [undefined, false],
    ]);
  });

  it('different identities never share a connection, equal ones do', () => {
    const rig = new Rig({ policies: [allowAll()] });
    rig.identity('10.0.0.124', 29439);
    rig.identity('10.0.0.125', 4711);
    for (const from of [CLIENT, '10.0.0.124', '10.0.0.125']) {
      rig.client(from).send(LANDING);
      rig.settle();
    }
    expect(rig.upstreams()).toHaveLength(2);
  });
});

describe('admin', () => {
  it('answers its pages', () => {
    const rig = new Rig();
    const client = rig.client();
    client.send(LANDING);
    rig.settle();
    const admin = rig.envoy.admin;
    expect(admin.get('/ready')).toMatchObject({ status: 200, body: 'LIVE\n' });
    expect(JSON.parse(admin.get('/server_info').body)).toMatchObject({
      state: 'LIVE',
      node: { id: 'host~127.0.0.1~no-id~localdomain', cluster: 'ingress-cluster' },
    });
    expect(admin.get('/stats').body).toContain('http.proxy.downstream_rq_2xx: 1\n');
    expect(admin.get('/clusters').body).toContain(`ingress-cluster::${POD}:80::cx_active::1\n`);
    expect(admin.get('/quitquitquit').status).toBe(405);
    expect(admin.get('/nope').status).toBe(404);
    const types = (JSON.parse(admin.get('/config_dump?include_eds').body) as { configs: { '@type': string }[] }).configs.map((config) =>
      config['@type'].replace(/^.*\./, ''),
    );
    expect(types).toEqual([
      'BootstrapConfigDump',
      'ClustersConfigDump',
      'EndpointsConfigDump',
      'ListenersConfigDump',
      'NetworkPoliciesConfigDump',
      'RoutesConfigDump',
      'SecretsConfigDump',
    ]);
    expect(JSON.parse(admin.get('/config_dump?resource=networkpolicies&name_regex=10%5C.9.*').body)).toEqual({ configs: [] });
    admin.post('/quitquitquit');
    expect(rig.envoy.running).toBe(false);
  });
});
