/**
 * What policies say, one statement for each element of each section: who is spoken of, which peers, which ports, allowed or denied. Everything else
 * of the oracle reads statements only.
 */
import type { IpPrefix } from '../../net/prefix.ts';
import type { OracleLabel, OracleSelector } from './labels.ts';

/** A direction as the subject sees it. */
export type Direction = 'ingress' | 'egress';

/** A peer: its labels, and the prefix that stands for it when it is no part of the cluster. */
export interface OraclePeer {
  readonly labels: readonly OracleLabel[];
  /** The most specific prefix known; `null` for pods and nodes. */
  readonly prefix: IpPrefix | null;
}

/** One of the peers a statement names. */
export type Term =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'endpoints'; readonly selector: OracleSelector }
  | { readonly kind: 'entity'; readonly selectors: readonly OracleSelector[] }
  | { readonly kind: 'prefix'; readonly prefix: IpPrefix }
  | { readonly kind: 'names'; readonly addresses: readonly string[] };

/** Ports a statement names. */
export interface PortTerm {
  /** 0 = all; a name has none. */
  readonly port: number;
  readonly name: string;
  /** `TCP`, `UDP`, `SCTP`, `ICMP`, `ICMPv6`; empty where a deny left it out (quirk 12). */
  readonly protocol: string;
}

/** What a request must look like; one of the rules has to hold. */
export type SevenTerm =
  | { readonly parser: 'http'; readonly rules: readonly HttpTerm[] }
  /** Another protocol, `tls` for certificates alone, `names` for server names alone: the oracle knows that the proxy decides, and nothing more. */
  | { readonly parser: string; readonly rules: null };

/** Some ports and what is asked of the proxy there. */
export interface PortsTerm {
  readonly ports: readonly PortTerm[];
  /** `null`: nothing. */
  readonly seven: SevenTerm | null;
  /** Whose traffic the port is for the proxy; `tls` where only server names or certificates are asked for; empty: nobody's. */
  readonly parser: string;
  /** Secrets with certificates, which have to be there. */
  readonly secrets: readonly SecretName[];
}

/** A secret's name; without a namespace it is in the subject's. */
export interface SecretName {
  readonly name: string;
  readonly namespace: string;
}

/** One HTTP rule. */
export interface HttpTerm {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** Header names with the value they must have; `null` = any. */
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

/** One element of a policy. */
export interface Statement {
  /** `CiliumNetworkPolicy default/rule1` */
  readonly policy: string;
  /** `spec.ingress[0]` */
  readonly where: string;
  readonly subject: OracleSelector;
  /** It speaks of nodes, not of pods; its prefixes are known all the same. */
  readonly nodes: boolean;
  readonly direction: Direction;
  readonly deny: boolean;
  /** Empty: nobody without ports, everyone with ports (quirk 8). */
  readonly terms: readonly Term[];
  /** Requirements on the endpoint peers of every statement of the same subject and verdict (quirk 24). */
  readonly requires: readonly OracleSelector[];
  /** Connections must be authenticated. */
  readonly auth?: boolean;
  /** `null` = all. */
  readonly ports: readonly PortsTerm[] | null;
}
