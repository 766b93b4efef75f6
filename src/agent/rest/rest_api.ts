/**
 * The agent's API on its local socket.
 * @see cilium:api/v1/openapi.yaml
 * @remarks Simplified: calls are functions with JSON values, not HTTP.
 */
import { formatIpv4 } from '../../net/ipv4.ts';
import type { Daemon } from '../daemon/daemon.ts';
import { patternMatches, selectorExpression } from '../policy/api/fqdn.ts';
import { fqdnKey } from '../policy/selectorcache.ts';
import { type TraceResult, type TraceSelector, tracePolicy } from '../policy/trace.ts';
import { configModel } from './config_model.ts';
import { endpointRestModel, hostRestModel, statusLog } from './endpoint_model.ts';
import { metricsModel } from './metrics_model.ts';
import { checkPolicy, deletePolicy, getPolicy, type PolicyAnswer, putPolicy } from './policy_api.ts';

/** The API of one agent. */
export class RestApi {
  readonly #daemon: Daemon;
  readonly #wall: (at: number) => number;

  /** `wall` turns nanoseconds since boot into Unix milliseconds. */
  constructor(daemon: Daemon, wall: (at: number) => number) {
    this.#daemon = daemon;
    this.#wall = wall;
  }

  /** GET /endpoint: by id, the host's among them. */
  endpoints() {
    const { options, repository, hostEndpointId } = this.#daemon;
    return this.#daemon.endpointViews().map((view) => {
      const endpoint = this.#daemon.endpoints.list().find(({ id }) => id === view.id);
      return endpoint === undefined || view.id === hostEndpointId
        ? hostRestModel(view, options, repository.revision)
        : endpointRestModel(endpoint, options, this.#wall);
    });
  }

  /** PATCH /endpoint/{id}/config; whether the endpoint has options of its own. */
  endpointSetAuditMode(id: number, enabled: boolean): boolean {
    const endpoint = this.#daemon.endpoints.list().find((one) => one.id === id);
    if (endpoint === undefined || id === this.#daemon.hostEndpointId) {
      return false;
    }
    this.#daemon.setPolicyAuditMode(endpoint, enabled);
    return true;
  }

  /** GET /endpoint/{id}/log */
  endpointLog(id: number) {
    const endpoint = this.#daemon.endpoints.list().find((one) => one.id === id);
    return endpoint === undefined ? [] : statusLog(endpoint, this.#wall);
  }

  /** GET /policy */
  policyGet(labels: readonly string[]): PolicyAnswer {
    return getPolicy(this.#daemon, labels);
  }

  /** What is wrong with some rules, or `null`. */
  policyCheck(rules: readonly unknown[]): string | null {
    return checkPolicy(this.#daemon, rules);
  }

  /** PUT /policy */
  policyPut(rules: readonly unknown[], done: (answer: PolicyAnswer) => void): void {
    putPolicy(this.#daemon, rules, done);
  }

  /** DELETE /policy */
  policyDelete(labels: readonly string[], done: (answer: PolicyAnswer) => void): void {
    deletePolicy(this.#daemon, labels, done);
  }

  /** GET /policy/resolve */
  policyResolve(selector: TraceSelector): TraceResult {
    return tracePolicy(this.#daemon.repository, selector);
  }

  /** GET /policy/selectors: in order of first use. */
  policySelectors() {
    return [...this.#daemon.selectorCache.allSelectors()].map((selector) => ({
      selector: selector.key,
      users: selector.userCount(),
      identities: selector.isWildcard ? this.#allIdentities() : selector.selections(),
    }));
  }

  /** GET /fqdn/cache: names that match a pattern; `null`: all. */
  fqdnCache(pattern: string | null) {
    return this.#daemon.fqdn
      .lookups()
      .filter((lookup) => pattern === null || patternMatches(pattern, lookup.fqdn))
      .map((lookup) => ({ ...lookup, lookupTime: this.#wall(lookup.lookupTime), expirationTime: this.#wall(lookup.expirationTime) }));
  }

  /** DELETE /fqdn/cache */
  fqdnClean(pattern: string | null): void {
    this.#daemon.fqdn.cleanCache((name) => pattern === null || patternMatches(pattern, name));
  }

  /** GET /fqdn/names */
  fqdnNames() {
    return this.#daemon.fqdn.names.selectors().map((selector) => ({
      selectorString: fqdnKey(selector),
      regexString: selectorExpression(selector),
    }));
  }

  /** Names an endpoint has resolved to an address, without their last dots. @see cilium:daemon/cmd/hubble.go#Daemon.GetNamesOf */
  namesOf(endpointId: number, ip: string): readonly string[] {
    const names = this.#daemon.fqdn
      .lookups()
      .filter((one) => one.endpointId === endpointId && one.source === 'lookup' && one.ips.includes(ip));
    return [...new Set(names.map((one) => one.fqdn.replace(/\.$/, '')))].sort();
  }

  /** GET /config */
  config() {
    return configModel(this.#daemon.options);
  }

  /** GET /metrics */
  metrics() {
    return metricsModel(this.#daemon);
  }

  /** Redirects of `cilium status --all-redirects`. @see cilium:pkg/proxy/proxy.go#Proxy.GetStatusModel */
  redirects() {
    return this.#daemon.proxy.redirects().map(({ id, listener }) => ({ proxy: listener.name, name: id, port: listener.port }));
  }

  /** Addresses in use with their owners. */
  allocations() {
    return [...this.#daemon.ipam.owners()].map(([address, owner]) => ({ ip: formatIpv4(address), owner }));
  }

  #allIdentities(): readonly number[] {
    return [...this.#daemon.selectorCache.allIdentities()].map(({ id }) => id).sort((a, b) => a - b);
  }
}
