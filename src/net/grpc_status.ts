/**
 * The gRPC status that stands for an HTTP one, for an answer that carries none of its own: what a proxy writes and a client reads.
 * @see https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 * @see envoy:source/common/grpc/status.cc#Utility::httpToGrpcStatus
 */
export function httpToGrpcStatus(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}
