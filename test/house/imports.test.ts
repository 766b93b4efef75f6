import { describe, expect, it } from 'vitest';
import { IMPORT_TABLE, importViolations } from './import_table.ts';
import { importsOf, moduleOf, sourceModules } from './support/source.ts';

describe('the import table', () => {
  const modules = sourceModules();

  it('sees the modules of every room', () => {
    expect(modules.length).toBeGreaterThan(150);
    const rooms = new Set(modules.map((module) => module.room));
    for (const room of [
      'sim',
      'net',
      'kernel',
      'maps',
      'xds',
      'k8s',
      'bpf',
      'envoy',
      'agent',
      'workloads',
      'monitor',
      'cluster',
      'scenario',
      'shell',
      'cli',
    ]) {
      expect(rooms, room).toContain(room);
    }
    expect(modules.flatMap(importsOf).length).toBeGreaterThan(500);
  });

  it('holds', () => {
    expect(importViolations(modules)).toEqual([]);
  });

  it('catches each kind of offence', () => {
    const offences = [
      moduleOf('src/bpf/x.ts', "import { a } from '../agent/a.ts';"),
      moduleOf('src/envoy/deep/x.ts', "import type { a } from '../../bpf/a.ts';"),
      moduleOf('src/agent/x.ts', "export { a } from '../envoy/a.ts';"),
      moduleOf('src/workloads/x.ts', "const a = await import('../maps/a.ts');"),
      moduleOf('src/sim/x.ts', "import fs from 'node:fs';"),
      moduleOf('src/bpf/x.ts', "import 'yaml';"),
      moduleOf('src/cli/x.ts', "import { a } from '../cluster/a.ts';"),
      moduleOf('src/attic/x.ts', ''),
    ];
    for (const offence of offences) {
      expect(importViolations([offence]), offence.text).toHaveLength(1);
    }
    expect(importViolations([moduleOf('src/bpf/x.ts', "// import '../agent/a.ts'\nimport { b } from '../maps/b.ts';")])).toEqual([]);
  });

  it('keeps the four actors apart', () => {
    const actors = ['bpf', 'envoy', 'agent', 'workloads'];
    for (const actor of actors) {
      for (const other of actors.filter((one) => one !== actor)) {
        expect(IMPORT_TABLE[actor]).not.toContain(other);
      }
    }
  });
});
