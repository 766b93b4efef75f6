/**
 * Answers to requests that policy denies: of the request's own kind, with the error in each partition.
 * @see cilium:pkg/kafka/request.go#RequestMessage.CreateResponse
 */
import { latin1 } from '../../../net/bytes.ts';
import {
  CONSUMER_METADATA,
  FETCH,
  type KafkaRequest,
  METADATA,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  OFFSETS,
  PRODUCE,
  type RequestTopic,
} from './request.ts';

/** @see cilium:pkg/kafka/error.go#ErrTopicAuthorizationFailed */
export const TOPIC_AUTHORIZATION_FAILED = 29;
/** @see cilium:pkg/kafka/error.go#ErrInvalidMessage */
export const INVALID_MESSAGE = 2;

/** The answer's frame, or `null` for a kind that has none: then the client hears nothing. */
export function authErrorResponse(request: KafkaRequest): Uint8Array | null {
  const content = request.body === null ? undefined : CONTENTS[request.kind];
  if (content === undefined || request.body === null) {
    return null;
  }
  const bytes = [...int32(request.body.correlationId), ...content(request.version, request.body.topics)];
  return Uint8Array.from([...int32(bytes.length), ...bytes]);
}

type Content = (version: number, topics: readonly RequestTopic[] | null) => number[];

const ERROR = int16(TOPIC_AUTHORIZATION_FAILED);
const NO_TIME = [0, 0, 0, 0];
const ZERO_64 = [0, 0, 0, 0, 0, 0, 0, 0];
/** Go's zero time as milliseconds, after its nanoseconds have overflowed. */
const ZERO_TIME = [0xff, 0xff, 0xf9, 0xd1, 0xd4, 0xb5, 0x49, 0xc9];
const NULL_ARRAY = [0xff, 0xff, 0xff, 0xff];

const CONTENTS: Readonly<Record<number, Content>> = {
  // Partition, error, offset, from version 2 on the time of appending; the throttle time stands last.
  [PRODUCE]: (version, topics) => [
    ...topicList(topics, (id) => [...int32(id), ...ERROR, ...ZERO_64, ...(version >= 2 ? ZERO_64 : [])]),
    ...(version >= 1 ? NO_TIME : []),
  ],
  [FETCH]: (version, topics) => [
    ...(version >= 1 ? NO_TIME : []),
    ...topicList(topics, (id) => [
      ...int32(id),
      ...ERROR,
      ...ZERO_64,
      ...(version >= 4 ? [...ZERO_64, ...(version >= 5 ? ZERO_64 : []), ...NULL_ARRAY] : []),
      ...NULL_ARRAY,
    ]),
  ],
  // An array of offsets in every version, though later ones have none.
  [OFFSETS]: (version, topics) => [
    ...(version >= 2 ? NO_TIME : []),
    ...topicList(topics, (id) => [...int32(id), ...ERROR, ...(version >= 1 ? ZERO_TIME : []), ...int32(0)]),
  ],
  // No brokers, no name of the cluster, controller 0.
  [METADATA]: (version, topics) => [
    ...(version >= 3 ? NO_TIME : []),
    ...int32(0),
    ...(version >= 2 ? string('') : []),
    ...(version >= 1 ? int32(0) : []),
    ...array(topics, ({ name }) => [...ERROR, ...string(name), ...(version >= 1 ? [0] : []), ...int32(0)]),
  ],
  [CONSUMER_METADATA]: (version) => [
    ...(version >= 1 ? NO_TIME : []),
    ...ERROR,
    ...(version >= 1 ? string('') : []),
    ...int32(0),
    ...string(''),
    ...int32(0),
  ],
  [OFFSET_COMMIT]: (version, topics) => [...(version >= 3 ? NO_TIME : []), ...topicList(topics, (id) => [...int32(id), ...ERROR])],
  [OFFSET_FETCH]: (version, topics) => [
    ...(version >= 3 ? NO_TIME : []),
    ...topicList(topics, (id) => [...int32(id), ...ZERO_64, ...string(''), ...ERROR]),
    ...(version >= 2 ? int16(0) : []),
  ],
};

function topicList(topics: readonly RequestTopic[] | null, partition: (id: number) => number[]): number[] {
  return array(topics, ({ name, partitions }) => [...string(name), ...array(partitions, partition)]);
}

function array<T>(items: readonly T[] | null, item: (one: T) => number[]): number[] {
  return items === null ? NULL_ARRAY : [...int32(items.length), ...items.flatMap(item)];
}

function string(text: string): number[] {
  return [...int16(text.length), ...latin1(text)];
}

function int16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

function int32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}
