import { describe, expect, it } from 'vitest';
import { applyFieldMask } from '../../src/envoy/admin/field_mask.ts';
import type { LogEntry } from '../../src/xds/access_log.ts';
import { accessLogSize } from '../../src/xds/access_log_size.ts';
import { LANDING, POD, Rig } from './support.ts';

const rig = new Rig();
rig.ask(LANDING);
const { admin } = rig.envoy;

describe('admin pages', () => {
  it('that change something want POST', () => {
    for (const page of ['/quitquitquit', '/reset_counters', '/logging', '/drain_listeners', '/healthcheck/fail', '/runtime_modify']) {
      expect(admin.get(page)).toMatchObject({ status: 405, body: 'Method GET not allowed, POST required.' });
    }
    expect(admin.get('/nope')).toMatchObject({ status: 404 });
    expect(admin.get('/nope').body).toMatch(/^invalid path\. admin commands are:\n {2}\/: Admin home page\n/);
  });

  it('every page of the help answers', () => {
    const pages = [...admin.get('/help').body.matchAll(/^ {2}(\/\S*):/gm)].map((match) => match[1] as string);
    expect(pages.length).toBeGreaterThan(25);
    for (const page of pages.filter((one) => one !== '/quitquitquit')) {
      expect([page, [200, 405].includes(admin.get(page).status)]).toEqual([page, true]);
    }
  });

  it('change and show levels of loggers', () => {
    expect(admin.post('/logging?level=debug').body).toMatch(/^active loggers:\n {2}admin: debug\n[\s\S]* {2}websocket: debug\n\n$/);
    expect(admin.post('/logging?http=trace').body).toContain('  http: trace\n  http2: debug\n');
    expect(admin.post('/logging?paths=http:info,router:off').body).toContain('  router: off\n');
    expect(admin.post('/logging?level=loud')).toMatchObject({ status: 404 });
    expect(admin.post('/logging?level=loud').body).toMatch(/^usage: \/logging\?<name>=<level>/);
  });

  it('filter statistics', () => {
    expect(admin.get('/stats?filter=rq_2xx').body).toBe('http.proxy.downstream_rq_2xx: 1\n');
    expect(admin.get('/stats?usedonly').body).not.toMatch(/: 0$/m);
    expect(JSON.parse(admin.get('/stats?format=json&filter=rq_2xx$').body)).toEqual({
      stats: [{ name: 'http.proxy.downstream_rq_2xx', value: 1 }],
    });
    expect(admin.get('/stats/prometheus?filter=rq_2xx').body).toBe('envoy_http_proxy_downstream_rq_2xx{} 1\n');
    expect(admin.get('/stats?filter=(').status).toBe(400);
    expect(admin.get('/stats?format=xml').status).toBe(400);
  });

  it('show clusters with both priorities, and those of the pipes', () => {
    const text = admin.get('/clusters').body;
    expect(text).toContain('ingress-cluster::high_priority::max_retries::3\n');
    expect(text).toContain(`ingress-cluster::${POD}:80::health_flags::healthy\n`);
    expect(text).toContain('xds-grpc-cilium::/var/run/cilium/xds.sock::health_flags::healthy\n');
  });

  it('cut the dump down to resources and fields', () => {
    const dump = JSON.parse(admin.get('/config_dump?resource=dynamic_listeners&mask=name,active_state.version_info').body) as unknown;
    expect(dump).toEqual({ configs: [{ name: 'cilium-http-ingress:19313', active_state: { version_info: '1' } }] });
    expect(admin.get('/config_dump?resource=bootstrap')).toMatchObject({ status: 400 });
    expect(admin.get('/config_dump?resource=nothing')).toMatchObject({ status: 404, body: 'nothing not found in config dump' });
    expect(applyFieldMask({ a: [{ b: 1, c: 2 }], '@type': 't', d: 3 }, 'a.b')).toEqual({ a: [{ b: 1 }], '@type': 't' });
  });
});

describe('the length of an access log record', () => {
  const empty: LogEntry = {
    ...{ timestamp: 0n, is_ingress: false, entry_type: 'Request', policy_name: '', cilium_rule_ref: '' },
    ...{ source_security_id: 0, destination_security_id: 0, source_address: '', destination_address: '' },
  };

  it('is that of its protobuf form', () => {
    expect(accessLogSize(empty)).toBe(0);
    // 1: 08 01; 15: 78 01; 3: 18 02; 4: 22 01 61; 6: 30 ac 02; 16: 80 01 05; 7: 3a 01 62
    const full: LogEntry = {
      ...{ timestamp: 1n, is_ingress: true, entry_type: 'Denied', policy_name: 'a', cilium_rule_ref: '' },
      ...{ source_security_id: 300, destination_security_id: 5, source_address: 'b', destination_address: '' },
    };
    expect(accessLogSize(full)).toBe(2 + 2 + 2 + 3 + 3 + 3 + 3);
    // 100: a2 06 LEN, with 1: 08 01, 4: 22 01 2f, 6: 32 06 0a 01 6b 12 01 76, 7: 38 93 03
    const http = {
      ...{ http_protocol: 'HTTP11' as const, scheme: '', host: '', path: '/', method: '', status: 403 },
      ...{ headers: [{ key: 'k', value: 'v' }], missing_headers: [], rejected_headers: [] },
    };
    expect(accessLogSize({ ...empty, http })).toBe(3 + 2 + 3 + 8 + 3);
  });
});
