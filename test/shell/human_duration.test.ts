import { expect, test } from 'vitest';
import { humanDuration } from '../../src/shell/kubectl/human_duration.ts';

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

test.each([
  [0, '0s'],
  [119 * S, '119s'],
  [2 * M, '2m'],
  [2 * M + 5 * S, '2m5s'],
  [10 * M + 5 * S, '10m'],
  [179 * M, '179m'],
  [3 * H, '3h'],
  [6 * H + 57 * M, '6h57m'],
  [8 * H + 5 * M, '8h'],
  [47 * H, '47h'],
  [2 * D, '2d'],
  [2 * D + 3 * H, '2d3h'],
  [8 * D + H, '8d'],
  [700 * D, '700d'],
  [730 * D, '2y'],
  [731 * D, '2y1d'],
  [-5 * S, '<invalid>'],
])('%i ms is %s', (millis, text) => {
  expect(humanDuration(millis)).toBe(text);
});
