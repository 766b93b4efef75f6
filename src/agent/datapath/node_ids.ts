/** Numbers of the other nodes. @see cilium:pkg/datapath/linux/node_ids.go#linuxNodeHandler.AllocateNodeID */
import type { Ipv4 } from '../../net/ipv4.ts';

/** The numbers one node gives the others, by their address. */
export class NodeIds {
  readonly #own: Ipv4;
  readonly #ids = new Map<Ipv4, number>();

  constructor(own: Ipv4) {
    this.#own = own;
  }

  /**
   * The number of the node at an address; 0 for none, and for this one.
   * @remarks Simplified: numbers are given in order, upstream picks any free one.
   */
  of(nodeIp: Ipv4): number {
    if (nodeIp === 0 || nodeIp === this.#own) {
      return 0;
    }
    const id = this.#ids.get(nodeIp) ?? this.#ids.size + 1;
    this.#ids.set(nodeIp, id);
    return id;
  }
}
