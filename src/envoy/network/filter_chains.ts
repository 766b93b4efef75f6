/**
 * The choice of a filter chain: by server name, then by transport, then by application protocol; the more specific wins, and there is no way back.
 * @see envoy:source/server/filter_chain_manager_impl.cc#FilterChainManagerImpl::findFilterChain
 * @remarks Not modelled: matches by port, address and source.
 */
import type { FilterChain } from '../../xds/listener.ts';
import type { AcceptedConnection } from './filter.ts';

type Connection = Pick<AcceptedConnection, 'sni' | 'tls' | 'applicationProtocols'>;

/** The chains of a listener. */
export class FilterChains<T extends { readonly config: FilterChain }> {
  /** By server name: exact, `.suffix` for a wildcard, empty for any. */
  readonly #byName = new Map<string, T[]>();

  constructor(chains: readonly T[]) {
    for (const chain of chains) {
      const names = chain.config.filter_chain_match?.server_names ?? [];
      for (const name of names.length === 0 ? [''] : names) {
        const key = name.startsWith('*.') ? name.slice(1) : name;
        const known = this.#byName.get(key) ?? [];
        known.push(chain);
        this.#byName.set(key, known);
      }
    }
  }

  /** The chain of a connection, or `null`. */
  find(connection: Connection): T | null {
    for (const name of namesOf(connection.sni)) {
      const chains = this.#byName.get(name);
      if (chains !== undefined) {
        return byTransport(chains, connection);
      }
    }
    return null;
  }
}

/** The name itself, the suffixes of it, any. */
function namesOf(sni: string): string[] {
  if (sni === '') {
    return [''];
  }
  const names = [sni];
  for (let dot = sni.indexOf('.'); dot >= 0; dot = sni.indexOf('.', dot + 1)) {
    names.push(sni.slice(dot));
  }
  return [...names, ''];
}

function byTransport<T extends { readonly config: FilterChain }>(chains: readonly T[], connection: Connection): T | null {
  const transport = connection.tls ? 'tls' : 'raw_buffer';
  const exact = chains.filter(({ config }) => config.filter_chain_match?.transport_protocol === transport);
  const any = chains.filter(({ config }) => (config.filter_chain_match?.transport_protocol ?? '') === '');
  return byApplication(exact.length > 0 ? exact : any, connection);
}

function byApplication<T extends { readonly config: FilterChain }>(chains: readonly T[], connection: Connection): T | null {
  const protocols = (chain: T): readonly string[] => chain.config.filter_chain_match?.application_protocols ?? [];
  for (const wanted of connection.applicationProtocols) {
    const found = chains.find((chain) => protocols(chain).includes(wanted));
    if (found !== undefined) {
      return found;
    }
  }
  return chains.find((chain) => protocols(chain).length === 0) ?? null;
}
