/**
 * The deadline a gRPC client sends with its call.
 * @see envoy:source/common/grpc/common.cc#Common::getGrpcTimeout
 */

/** Largest number a header may have. @see envoy:source/common/grpc/common.h#Common::MAX_GRPC_TIMEOUT_VALUE */
const MAX_VALUE = 99_999_999;

/** Milliseconds of each unit. */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1 / 1000, n: 1 / 1_000_000 };

/** Milliseconds of a `grpc-timeout`, rounded up; `null` if it is none. */
export function grpcTimeoutMillis(text: string | null): number | null {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(text ?? '');
  return match === null ? null : Math.ceil(Number(match[1]) * (UNITS[match[2] as string] as number));
}

/** The header for a time, in the smallest unit whose number is not too large. @see envoy:source/common/grpc/common.cc#Common::toGrpcTimeout */
export function grpcTimeoutText(millis: number): string {
  let time = millis;
  let unit = 'm';
  if (time > MAX_VALUE) {
    time = Math.floor(time / 1000);
    unit = 'S';
  }
  for (const next of ['M', 'H']) {
    if (time > MAX_VALUE) {
      time = Math.floor(time / 60);
      unit = next;
    }
  }
  return `${Math.min(time, MAX_VALUE)}${unit}`;
}
