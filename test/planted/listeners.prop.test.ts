/** Listeners that go: what is open lives on for the time to drain, nothing new is taken. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LISTENER_TYPE_URL } from '../../src/xds/stream.ts';
import { httpListener, LANDING, Rig } from '../envoy/support.ts';

/** Seconds. @see envoy:source/server/options_impl.cc#OptionsImpl (drain-time-s) */
const DRAIN = 600;

it('a removed listener serves its connections until it has drained, and takes none', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 }), fc.boolean(), (waits, back) => {
      const rig = new Rig();
      const kept = rig.client();
      kept.send(LANDING);
      rig.settle(1e9);
      expect(kept.received).toMatch(/^HTTP\/1\.1 200/);
      rig.xds.set(LISTENER_TYPE_URL, []);
      rig.settle(1e9);
      let passed = 1;
      for (const wait of waits) {
        rig.settle(wait * 1e9);
        passed += wait;
        const fresh = rig.client();
        fresh.send(LANDING);
        rig.settle(1e9);
        passed += 1;
        expect(fresh.received).toBe('');
        if (passed > DRAIN + 1) {
          expect(kept.ended || kept.error !== null).toBe(true);
        }
      }
      if (back) {
        rig.listeners([httpListener()]);
        rig.settle(1e9);
        expect(rig.ask(LANDING, 1e9)).toMatch(/^HTTP\/1\.1 200/);
      }
    }),
    { numRuns: 20 },
  );
});
