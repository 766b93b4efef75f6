/**
 * The commands and groups that rules name, as words of the text protocol and opcodes of the binary one.
 * @see cilium:proxylib/memcached/parser.go#MemcacheOpCodeMap
 */

/** What a rule's command allows. */
export interface CommandSet {
  readonly text: ReadonlySet<string>;
  readonly opcodes: ReadonlySet<number>;
}

/**
 * Name, words (`=` is the name itself), opcodes. The binary sets of `storage` and `writeGroup` lack 14 and 15, so that `append` and `prepend` are
 * in them only as quiet commands; `cas` has no opcode of its own.
 */
const TABLE = `
add = 2,18
set = 1,17
replace = 3,19
append = 14,25
prepend = 15,26
cas =
incr = 5,21
decr = 6,22
storage add,set,replace,append,prepend,cas,incr,decr 1,2,3,5,6,17,18,19,21,22,25,26
get get,gets 0,9,12,13
delete = 4,20
touch = 28
gat gat,gats 29,30
writeGroup add,set,replace,append,prepend,cas,incr,decr,delete,touch 1,2,3,4,5,6,17,18,19,20,21,22,25,26,28
slabs =
lru =
lru_crawler =
watch =
stats = 16
flush_all = 8,24
cache_memlimit =
version = 11
misbehave =
quit = 7,23
noop - 10
verbosity - 27
sasl-list-mechs - 32
sasl-auth - 33
sasl-step - 34
rget - 48
rset - 49
rsetq - 50
rappend - 51
rappendq - 52
rprepend - 53
rprependq - 54
rdelete - 55
rdeleteq - 56
rincr - 57
rincrq - 58
rdecr - 59
rdecrq - 60
set-vbucket - 61
get-vbucket - 62
del-vbucket - 63
tap-connect - 64
tap-mutation - 65
tap-delete - 66
tap-flush - 67
tap-opaque - 68
tap-vbucket-set - 69
tap-checkpoint-start - 70
tap-checkpoint-end - 71
`;

/** Read when the first rule asks. */
let sets: ReadonlyMap<string, CommandSet> | null = null;

/** The set of a name, or `undefined`. */
export function commandSet(name: string): CommandSet | undefined {
  sets ??= new Map(TABLE.trim().split('\n').map(readLine));
  return sets.get(name);
}

function readLine(line: string): readonly [string, CommandSet] {
  const [name = '', words = '', opcodes = ''] = line.split(' ');
  const text = words === '=' ? [name] : words === '-' ? [] : words.split(',');
  return [name, { text: new Set(text), opcodes: new Set(opcodes === '' ? [] : opcodes.split(',').map(Number)) }];
}
