/**
 * Routes to several clusters.
 * @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::pickWeightedCluster
 */
import type { WeightedClusters } from '../../xds/route.ts';
import { type HeaderParser, headerParser } from './header_parser.ts';

/** One of them. */
export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
  readonly hostRewrite: string;
  readonly requestHeaders: HeaderParser;
  readonly responseHeaders: HeaderParser;
}

/** Compiles them, or says why Envoy refuses them. */
export function weightedClusters(config: WeightedClusters): readonly WeightedCluster[] | { readonly error: string } {
  const found: WeightedCluster[] = [];
  for (const cluster of config.clusters) {
    const requestHeaders = headerParser(cluster.request_headers_to_add, cluster.request_headers_to_remove);
    const responseHeaders = headerParser(cluster.response_headers_to_add, cluster.response_headers_to_remove);
    if (typeof requestHeaders === 'string' || typeof responseHeaders === 'string') {
      return { error: typeof requestHeaders === 'string' ? requestHeaders : String(responseHeaders) };
    }
    const { name, weight = 0, host_rewrite_literal: hostRewrite = '' } = cluster;
    found.push({ name, weight, hostRewrite, requestHeaders, responseHeaders });
  }
  const total = totalWeight(found);
  const wanted = config.total_weight ?? 0;
  if (wanted > 0 && total !== wanted) {
    return { error: `Sum of weights in the weighted_cluster should add up to ${wanted}` };
  }
  return total === 0 ? { error: 'Sum of weights in the weighted_cluster must be greater than 0.' } : found;
}

/** Sum of the weights. */
export function totalWeight(clusters: readonly WeightedCluster[]): number {
  return clusters.reduce((sum, { weight }) => sum + weight, 0);
}

/** The cluster into whose share of the whole a number from 0 falls. */
export function pickWeightedCluster(clusters: readonly WeightedCluster[], number: number): WeightedCluster {
  let end = 0;
  for (const cluster of clusters) {
    end += cluster.weight;
    if (number < end) {
      return cluster;
    }
  }
  return clusters.at(-1) as WeightedCluster;
}
