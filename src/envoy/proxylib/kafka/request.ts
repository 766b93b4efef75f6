/**
 * Kafka requests as the parser understands them: seven kinds are read, of all others the head alone.
 * @see cilium:pkg/kafka/request.go#RequestMessage
 */
import { fromLatin1 } from '../../../net/bytes.ts';
import { Decoder, MAX_PARSE_BUFFER } from './decoder.ts';
import { skipMessageSet } from './message_set.ts';

/** Kinds whose requests are read. @see https://github.com/optiopay/kafka (proto/messages.go#ProduceReqKind) */
export const PRODUCE = 0;
export const FETCH = 1;
export const OFFSETS = 2;
export const METADATA = 3;
export const OFFSET_COMMIT = 8;
export const OFFSET_FETCH = 9;
export const CONSUMER_METADATA = 10;

/** A topic of a request with its partitions; metadata requests name none. */
export interface RequestTopic {
  readonly name: string;
  readonly partitions: readonly number[];
}

/** What was read of a request whose kind is known. */
export interface RequestBody {
  readonly correlationId: number;
  /** `null`: the null array, which asks for all. */
  readonly topics: readonly RequestTopic[] | null;
}

/** A request. */
export class KafkaRequest {
  readonly kind: number;
  readonly version: number;
  readonly clientId: string;
  /** `null`: a kind that is not read. */
  readonly body: RequestBody | null;
  /** Topics no rule has allowed yet: rules take theirs away. @see cilium:pkg/kafka/policy.go#Rule.Matches */
  readonly wanted: Set<string>;

  constructor(kind: number, version: number, clientId: string, body: RequestBody | null) {
    this.kind = kind;
    this.version = version;
    this.clientId = clientId;
    this.body = body;
    this.wanted = new Set((body?.topics ?? []).map(({ name }) => name));
  }

  /**
   * Topics for the log, each once.
   * @see cilium:pkg/kafka/request.go#RequestMessage.GetTopics
   * @remarks Simplified: in the order of the request; the real order is that of a Go map, which is random.
   */
  topicNames(): readonly string[] {
    return [...new Set((this.body?.topics ?? []).map(({ name }) => name))];
  }
}

/** Reads a whole frame with its length field; `null`: not a request. @see cilium:pkg/kafka/request.go#ReadRequest */
export function readRequest(frame: Uint8Array): KafkaRequest | null {
  const head = new Decoder(frame);
  const size = head.int32();
  if (size <= 0 || size + 4 > MAX_PARSE_BUFFER || frame.length < 12) {
    return null;
  }
  const kind = head.int16();
  const version = head.int16();
  const body = BODIES[kind]?.(frame, version);
  return body === null ? null : new KafkaRequest(kind, version, clientIdOf(frame, version), body ?? null);
}

/** Version 0 is taken to have none. @see cilium:pkg/kafka/request.go#RequestMessage.extractClientID */
function clientIdOf(frame: Uint8Array, version: number): string {
  if (version === 0 || frame.length < 14) {
    return '';
  }
  const length = new Decoder(frame, 12).int16();
  return length <= 0 || frame.length < 14 + length ? '' : fromLatin1(frame, 14, 14 + length);
}

type ReadBody = (frame: Uint8Array, version: number) => RequestBody | null;

const BODIES: Readonly<Record<number, ReadBody>> = {
  [PRODUCE]: readProduce,
  [FETCH]: readFetch,
  [OFFSETS]: readOffsets,
  [METADATA]: readMetadata,
  [OFFSET_COMMIT]: readOffsetCommit,
  [OFFSET_FETCH]: readOffsetFetch,
  [CONSUMER_METADATA]: readConsumerMetadata,
};

/** Reads correlation and client ids, then what `rest` reads. */
function body(frame: Uint8Array, rest: (decoder: Decoder) => readonly RequestTopic[] | null): RequestBody | null {
  const decoder = new Decoder(frame, 8);
  const correlationId = decoder.int32();
  decoder.string();
  const topics = rest(decoder);
  return decoder.failed ? null : { correlationId, topics };
}

/** Topics that are not null, each with its partitions. */
function topicList(decoder: Decoder, partition: () => number, nullable = false): readonly RequestTopic[] | null {
  return decoder.array(nullable, () => ({ name: decoder.string(), partitions: decoder.array(false, partition) ?? [] }));
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadProduceReq) */
function readProduce(frame: Uint8Array, version: number): RequestBody | null {
  return body(frame, (decoder) => {
    if (version >= 3) {
      decoder.string();
    }
    decoder.int16();
    decoder.int32();
    return topicList(decoder, () => {
      const id = decoder.int32();
      const size = decoder.int32();
      const end = decoder.failed ? null : skipMessageSet(frame, decoder.at, size, version);
      if (end === null) {
        decoder.fail();
      } else {
        decoder.moveTo(end);
      }
      return id;
    });
  });
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadFetchReq) */
function readFetch(frame: Uint8Array, version: number): RequestBody | null {
  return body(frame, (decoder) => {
    decoder.int32();
    decoder.int32();
    decoder.int32();
    if (version >= 3) {
      decoder.int32();
    }
    if (version >= 4) {
      decoder.int8();
    }
    return topicList(decoder, () => {
      const id = decoder.int32();
      decoder.skip64();
      if (version >= 5) {
        decoder.skip64();
      }
      decoder.int32();
      return id;
    });
  });
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadOffsetReq) */
function readOffsets(frame: Uint8Array, version: number): RequestBody | null {
  return body(frame, (decoder) => {
    decoder.int32();
    if (version >= 2) {
      decoder.int8();
    }
    return topicList(decoder, () => {
      const id = decoder.int32();
      decoder.skip64();
      if (version === 0) {
        decoder.int32();
      }
      return id;
    });
  });
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadMetadataReq) */
function readMetadata(frame: Uint8Array, version: number): RequestBody | null {
  return body(frame, (decoder) => {
    const topics = decoder.array(true, () => ({ name: decoder.string(), partitions: [] }));
    if (version >= 4) {
      decoder.int8();
    }
    return topics;
  });
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadOffsetCommitReq) */
function readOffsetCommit(frame: Uint8Array, version: number): RequestBody | null {
  return body(frame, (decoder) => {
    decoder.string();
    if (version >= 1) {
      decoder.int32();
      decoder.string();
    }
    if (version >= 2) {
      decoder.skip64();
    }
    return topicList(decoder, () => {
      const id = decoder.int32();
      decoder.skip64();
      if (version === 1) {
        decoder.skip64();
      }
      decoder.string();
      return id;
    });
  });
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadOffsetFetchReq) */
function readOffsetFetch(frame: Uint8Array): RequestBody | null {
  return body(frame, (decoder) => {
    decoder.string();
    return topicList(decoder, () => decoder.int32(), true);
  });
}

/** @see https://github.com/optiopay/kafka (proto/messages.go#ReadConsumerMetadataReq) */
function readConsumerMetadata(frame: Uint8Array, version: number): RequestBody | null {
  return body(frame, (decoder) => {
    decoder.string();
    if (version >= 1) {
      decoder.int8();
    }
    return [];
  });
}
