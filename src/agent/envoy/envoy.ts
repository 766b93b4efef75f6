/**
 * Starting the proxy process. The cluster plugs the proxy in.
 * @see cilium:pkg/envoy/envoy.go#StartEnvoy
 */

/** What the bootstrap file says that the model uses. */
export interface BootstrapConfig {
  /** `host~127.0.0.1~no-id~localdomain` */
  readonly nodeId: string;
  readonly nodeCluster: string;
  /** Seconds. */
  readonly connectTimeout: number;
}

/** The process. */
export interface ProxyLauncher {
  /** Starts it; a second call does nothing. */
  startEnvoy(config: BootstrapConfig): void;
}

/** @see cilium:pkg/envoy/server.go#createBootstrap */
export function bootstrap(connectTimeout: number): BootstrapConfig {
  return { nodeId: 'host~127.0.0.1~no-id~localdomain', nodeCluster: 'ingress-cluster', connectTimeout };
}
