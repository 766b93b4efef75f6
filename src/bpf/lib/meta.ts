/** Names of the skb->cb slots; several share one. @see cilium:bpf/lib/common.h#CB_SRC_LABEL */
export const CB_SRC_LABEL = 0;
export const CB_PROXY_MAGIC = 0;
export const CB_DST_ENDPOINT_ID = 0;
export const CB_IFINDEX = 1;
export const CB_POLICY = 2;
export const CB_BACKEND_ID = 2;
export const CB_FROM_HOST = 3;
export const CB_CT_STATE = 4;
