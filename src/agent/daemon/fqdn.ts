/**
 * toFQDNs: from what the DNS proxy sees to identities, selectors, policy maps and the ipcache, in the order that lets no packet be faster than its policy.
 * @see cilium:daemon/cmd/fqdn.go
 */
import { DNS_RCODE_NOERROR, type DnsMessage } from '../../net/dns.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import { formatPrefix } from '../../net/prefix.ts';
import { MILLISECOND, type Nanos, SECOND } from '../../sim/clock.ts';
import type { Journey } from '../../sim/journey.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { WaitGroup } from '../completion/completion.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { DnsCache } from '../fqdn/dns_cache.ts';
import { extractMsgDetails } from '../fqdn/dns_message.ts';
import type { DnsOutcome, ProxiedQuery } from '../fqdn/dns_proxy.ts';
import { DnsZombies } from '../fqdn/dns_zombies.ts';
import { NameManager, type SelectorIps } from '../fqdn/name_manager.ts';
import type { CidrIdentities, Identity } from '../identity/identity.ts';
import { hostPrefix4, type Ipcache } from '../ipcache/ipcache.ts';
import type { DnsLogRecord } from '../monitor/monitor_agent.ts';
import type { DaemonOptions } from '../option/config.ts';
import type { FqdnSelector } from '../policy/api/rule.ts';
import { fqdnKey, type SelectorCache } from '../policy/selectorcache.ts';

/** @see cilium:daemon/cmd/fqdn.go `dns-garbage-collector-job` */
const DNS_GC_INTERVAL: Nanos = 60 * SECOND;
/** Seconds that a name lives which only a connection keeps alive: two rounds of the collection. */
const ZOMBIE_TTL = 2 * (DNS_GC_INTERVAL / SECOND);

/** What the subsystem works with. */
export interface FqdnDeps {
  readonly scheduler: Scheduler;
  readonly journey: Journey;
  readonly options: DaemonOptions;
  readonly selectorCache: SelectorCache;
  readonly cidrIdentities: CidrIdentities;
  readonly ipcache: Ipcache;
  readonly endpoints: () => readonly Endpoint[];
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
  /** Brings the changes of selections to an endpoint's map and the proxy. */
  readonly applyPolicyMapChanges: (endpoint: Endpoint, group: WaitGroup) => void;
  readonly log: (record: DnsLogRecord) => void;
}

/** What DNS has told one endpoint. */
export interface DnsMemory {
  readonly history: DnsCache;
  readonly zombies: DnsZombies;
}

/** One line of `cilium fqdn cache list`. Instants are nanoseconds since boot. @see cilium:api/v1/models/dns_lookup.go#DNSLookup */
export interface DnsLookupModel {
  readonly endpointId: number;
  readonly source: 'lookup' | 'connection';
  readonly fqdn: string;
  /** Seconds. */
  readonly ttl: number;
  readonly lookupTime: Nanos;
  readonly expirationTime: Nanos;
  readonly ips: readonly string[];
}

/** Names, their addresses, and the selectors that follow them. */
export class Fqdn {
  readonly names: NameManager;
  readonly #deps: FqdnDeps;
  readonly #memories = new Map<Endpoint, DnsMemory>();
  /** Identities each selector holds a reference to, by address. */
  readonly #references = new Map<string, Map<Ipv4, Identity>>();
  /** Identities whose ipcache entry waits for the policy maps. */
  readonly #notInIpcache = new Map<Ipv4, Identity>();

  constructor(deps: FqdnDeps) {
    this.#deps = deps;
    const minTtl = deps.options['tofqdns-min-ttl'];
    this.names = new NameManager(new DnsCache({ minTtl, perHostLimit: 0, tracksExpiry: false }), minTtl);
    deps.selectorCache.setLocalIdentityNotifier({
      register: (selector) => this.#register(selector),
      unregister: (selector) => this.#unregister(selector),
    });
  }

  /** Starts the collection of names that are over. */
  start(): void {
    this.#deps.scheduler.after(DNS_GC_INTERVAL, 'periodic:dns-garbage-collector-job', () => {
      this.collectGarbage();
      this.start();
    });
  }

  /** What DNS has told an endpoint. */
  memory(endpoint: Endpoint): DnsMemory {
    let memory = this.#memories.get(endpoint);
    if (memory === undefined) {
      const { options } = this.#deps;
      const perHost = options['tofqdns-endpoint-max-ip-per-hostname'];
      memory = {
        history: new DnsCache({ minTtl: options['tofqdns-min-ttl'], perHostLimit: perHost, tracksExpiry: true }),
        zombies: new DnsZombies({ max: options['tofqdns-max-deferred-connection-deletes'], perHost }),
      };
      this.#memories.set(endpoint, memory);
    }
    return memory;
  }

  /**
   * What DNS had told an endpoint of the agent before: names that are still valid are known again, and so are those that connections keep alive.
   * @see cilium:daemon/cmd/fqdn.go#Daemon.bootstrapFQDN
   */
  restore(endpoint: Endpoint, memory: DnsMemory): void {
    const { history, zombies } = memory;
    const now = this.#deps.scheduler.clock.now();
    this.#memories.set(endpoint, memory);
    this.names.cache.updateFromCache(history);
    history.gc(now, zombies);
    for (const { ip, names } of zombies.gc().alive) {
      for (const name of names) {
        this.names.cache.update(now, name, [ip], ZOMBIE_TTL);
      }
    }
  }

  /** An endpoint is gone. */
  forget(endpoint: Endpoint): void {
    this.#memories.delete(endpoint);
  }

  /** Whether any endpoint has asked for names. */
  get interested(): boolean {
    return this.#memories.size > 0;
  }

  /** A connection from an endpoint to an address was seen by conntrack garbage collection. @see cilium:pkg/endpoint/endpoint.go#Endpoint.MarkDNSCTEntry */
  markDnsCtEntry(source: Ipv4, destination: Ipv4, now: Nanos): void {
    for (const [endpoint, { zombies }] of this.#memories) {
      if (endpoint.ipv4 === source) {
        zombies.markAlive(now, destination);
      }
    }
  }

  /** Conntrack garbage collection has run. @see cilium:pkg/endpoint/endpoint.go#Endpoint.MarkCTGCTime */
  markCtGcTime(start: Nanos): void {
    for (const { zombies } of this.#memories.values()) {
      zombies.setCtGcTime(start);
    }
  }

  /**
   * Hears of every message that passes the DNS proxy. An answer waits in `done` until maps and proxy know its addresses, or for the longest delay;
   * the ipcache follows after that.
   * @see cilium:daemon/cmd/fqdn.go#Daemon.notifyOnDNSMsg
   */
  notifyOnDnsMsg(query: ProxiedQuery, message: DnsMessage, outcome: DnsOutcome, done: () => void): void {
    const details = extractMsgDetails(message);
    this.#log(query, message, outcome, details);
    if (!message.response || message.rcode !== DNS_RCODE_NOERROR || details.ips.length === 0) {
      done();
      return;
    }
    const { scheduler, journey } = this.#deps;
    const now = scheduler.clock.now();
    const { history, zombies } = this.memory(query.endpoint);
    if (history.update(now, details.qname, details.ips, details.ttl)) {
      for (const ip of details.ips) {
        zombies.forceExpire(now, (name) => name === details.qname, ip);
      }
    }
    const affected = this.names.updateGenerateDns(now, details.qname, details.ips, details.ttl);
    if (journey.recording) {
      this.#step(
        'UpdateGenerateDNS',
        `${details.qname} is ${details.ips.map(formatIpv4).join(', ')}: ${affected.length} selectors concerned`,
      );
    }
    this.#updateSelectors(affected, () => {
      this.#upsertGeneratedIdentities();
      done();
    });
  }

  /** @see cilium:daemon/cmd/fqdn.go#Daemon.bootstrapFQDN */
  collectGarbage(): void {
    const now = this.#deps.scheduler.clock.now();
    const active = new DnsCache({ minTtl: ZOMBIE_TTL, perHostLimit: 0, tracksExpiry: true });
    const names = new Set<string>();
    const memories = [...this.#memories.values()];
    for (const { history, zombies } of memories) {
      for (const name of history.gc(now, zombies)) {
        names.add(name);
      }
      const { alive, dead } = zombies.gc();
      for (const zombie of alive) {
        for (const name of zombie.names) {
          active.update(now, name, [zombie.ip], ZOMBIE_TTL);
        }
      }
      for (const zombie of [...alive, ...dead]) {
        for (const name of zombie.names) {
          names.add(name);
        }
      }
    }
    this.#regenerateNames([...names], [active, ...memories.map(({ history }) => history)]);
  }

  /** Forgets what DNS has told, as `cilium fqdn cache clean` does; the names. @see cilium:daemon/cmd/fqdn.go#deleteDNSLookups */
  cleanCache(matches: (name: string) => boolean): readonly string[] {
    const before = this.#deps.scheduler.clock.now() + 1;
    const names = new Set(this.names.cache.forceExpire(before, matches));
    for (const { history, zombies } of this.#memories.values()) {
      for (const name of [...history.forceExpire(before, matches), ...zombies.forceExpire(before, matches)]) {
        names.add(name);
      }
      this.names.cache.updateFromCache(history);
    }
    this.#updateSelectors(this.names.forceGenerateDns([...names]), () => this.#upsertGeneratedIdentities());
    return [...names];
  }

  /** Lines of `cilium fqdn cache list`. @see cilium:daemon/cmd/fqdn.go#extractDNSLookups */
  lookups(): readonly DnsLookupModel[] {
    return [...this.#memories].flatMap(([endpoint, { history, zombies }]) => [
      ...history.dump().map(
        (entry): DnsLookupModel => ({
          endpointId: endpoint.id,
          source: 'lookup',
          fqdn: entry.name,
          ttl: entry.ttl,
          lookupTime: entry.lookupTime,
          expirationTime: entry.expirationTime,
          ips: entry.ips.map(formatIpv4),
        }),
      ),
      ...zombies.dumpAlive().flatMap((zombie) =>
        zombie.names.map((name): DnsLookupModel => {
          const at = zombie.aliveAt ?? 0;
          return {
            endpointId: endpoint.id,
            source: 'connection',
            fqdn: name,
            ttl: 0,
            lookupTime: at,
            expirationTime: at,
            ips: [formatIpv4(zombie.ip)],
          };
        }),
      ),
    ]);
  }

  #regenerateNames(names: readonly string[], caches: readonly DnsCache[]): void {
    if (names.length > 0) {
      this.names.cache.replaceFromCacheByNames(names, caches);
      this.#updateSelectors(this.names.forceGenerateDns(names), () => this.#upsertGeneratedIdentities());
    }
  }

  /** A selector's first user: identities of the addresses known already. @see cilium:pkg/policy/selectorcache.go#SelectorCache.AddFQDNSelector */
  #register(selector: FqdnSelector): readonly number[] {
    this.names.register(selector);
    const identities = this.#reference({ selector, ips: this.names.mapSelectorToIps(selector) });
    this.#upsertGeneratedIdentities();
    return identities;
  }

  #unregister(selector: FqdnSelector): void {
    this.names.unregister(selector);
    this.#reference({ selector, ips: [] });
    this.#references.delete(fqdnKey(selector));
  }

  /** @see cilium:daemon/cmd/fqdn.go#Daemon.updateSelectors */
  #updateSelectors(affected: readonly SelectorIps[], done: () => void): void {
    const { scheduler, selectorCache, options, endpoints, applyPolicyMapChanges } = this.#deps;
    if (affected.length === 0) {
      done();
      return;
    }
    for (const one of affected) {
      selectorCache.updateFqdnSelector(one.selector, this.#reference(one));
    }
    const group = new WaitGroup(scheduler, options['tofqdns-proxy-response-max-delay'] * MILLISECOND);
    for (const endpoint of endpoints()) {
      if (endpoint.alive) {
        applyPolicyMapChanges(endpoint, group);
      }
    }
    group.wait(done);
  }

  /** Makes a selector hold exactly its addresses' identities; the identities. */
  #reference({ selector, ips }: SelectorIps): readonly number[] {
    const { cidrIdentities, updateIdentities } = this.#deps;
    const key = fqdnKey(selector);
    const held = this.#references.get(key) ?? new Map<Ipv4, Identity>();
    this.#references.set(key, held);
    const fresh: Identity[] = [];
    for (const ip of ips) {
      if (!held.has(ip)) {
        const { identity, isNew } = cidrIdentities.allocate(hostPrefix4(ip));
        held.set(ip, identity);
        if (isNew) {
          fresh.push(identity);
          this.#notInIpcache.set(ip, identity);
        }
      }
    }
    updateIdentities(fresh, []);
    this.#release(held, new Set(ips));
    return [...held.values()].map(({ id }) => id);
  }

  /** @see cilium:pkg/ipcache/cidr.go#IPCache.ReleaseCIDRIdentitiesByID */
  #release(held: Map<Ipv4, Identity>, keep: ReadonlySet<Ipv4>): void {
    const { cidrIdentities, ipcache, updateIdentities } = this.#deps;
    const gone: number[] = [];
    for (const ip of [...held.keys()].filter((one) => !keep.has(one))) {
      held.delete(ip);
      const prefix = hostPrefix4(ip);
      const released = cidrIdentities.release(prefix);
      if (released !== null) {
        gone.push(released.id);
        this.#notInIpcache.delete(ip);
        if (ipcache.get(formatPrefix(prefix))?.source === 'generated') {
          ipcache.delete(prefix);
        }
      }
    }
    if (gone.length > 0) {
      // Selections first lose the identity, and maps with them; only then does the number cease to exist.
      this.#deps.scheduler.after(0, 'selector-prefix-release', () =>
        updateIdentities(
          [],
          gone.filter((id) => !this.#isHeld(id)),
        ),
      );
    }
  }

  #isHeld(id: number): boolean {
    return this.#deps.cidrIdentities.list().some(({ identity }) => identity.id === id);
  }

  /** @see cilium:pkg/ipcache/cidr.go#IPCache.UpsertGeneratedIdentities */
  #upsertGeneratedIdentities(): void {
    for (const [ip, identity] of this.#notInIpcache) {
      this.#deps.ipcache.upsert(hostPrefix4(ip), { identity: identity.id, source: 'generated', hostIp: 0 });
      if (this.#deps.journey.recording) {
        this.#step('UpsertGeneratedIdentities', `${formatIpv4(ip)}/32 is identity ${identity.id}`);
      }
    }
    this.#notInIpcache.clear();
  }

  #log(query: ProxiedQuery, message: DnsMessage, outcome: DnsOutcome, details: ReturnType<typeof extractMsgDetails>): void {
    const { endpoint, client, server, serverIdentity, protocol } = query;
    const identity = endpoint.identity?.id ?? 0;
    const pod = { address: formatIpv4(client.address), port: client.port, identity };
    const resolver = { address: formatIpv4(server.address), port: server.port, identity: serverIdentity };
    this.#deps.log({
      type: message.response ? 'Response' : 'Request',
      verdict: outcome.kind === 'forwarded' ? 'Forwarded' : outcome.kind === 'denied' ? 'Denied' : 'Error',
      protocol,
      source: message.response ? resolver : pod,
      destination: message.response ? pod : resolver,
      query: details.qname,
      qTypes: details.qTypes,
      ips: details.ips.map(formatIpv4),
      cnames: details.cnames,
      ttl: details.ttl,
      rcode: details.rcode,
      answerTypes: details.answerTypes,
    });
  }

  #step(fn: string, why: string): void {
    this.#deps.journey.add({ kind: 'decide', actor: 'agent', fn, see: `cilium:daemon/cmd/fqdn.go#${fn}`, verdict: 'done', why });
  }
}
