/** The admin pages there are, with what the help says of them. @see envoy:source/server/admin/admin.cc#AdminImpl::AdminImpl */
export const ADMIN_PAGES: readonly { readonly path: string; readonly text: string; readonly mutates: boolean }[] = [
  { path: '/', text: 'Admin home page', mutates: false },
  { path: '/certs', text: 'print certs on machine', mutates: false },
  { path: '/clusters', text: 'upstream cluster status', mutates: false },
  { path: '/config_dump', text: 'dump current Envoy configs (experimental)', mutates: false },
  { path: '/contention', text: 'dump current Envoy mutex contention stats (if enabled)', mutates: false },
  { path: '/cpuprofiler', text: 'enable/disable the CPU profiler', mutates: true },
  { path: '/drain_listeners', text: 'drain listeners', mutates: true },
  { path: '/healthcheck/fail', text: 'cause the server to fail health checks', mutates: true },
  { path: '/healthcheck/ok', text: 'cause the server to pass health checks', mutates: true },
  { path: '/heapprofiler', text: 'enable/disable the heap profiler', mutates: true },
  { path: '/help', text: 'print out list of admin commands', mutates: false },
  { path: '/hot_restart_version', text: 'print the hot restart compatibility version', mutates: false },
  { path: '/init_dump', text: 'dump current Envoy init manager information (experimental)', mutates: false },
  { path: '/listeners', text: 'print listener info', mutates: false },
  { path: '/logging', text: 'query/change logging levels', mutates: true },
  { path: '/memory', text: 'print current allocation/heap usage', mutates: false },
  { path: '/quitquitquit', text: 'exit the server', mutates: true },
  { path: '/ready', text: 'print server state, return 200 if LIVE, otherwise return 503', mutates: false },
  { path: '/reopen_logs', text: 'reopen access logs', mutates: true },
  { path: '/reset_counters', text: 'reset all counters to zero', mutates: true },
  { path: '/runtime', text: 'print runtime values', mutates: false },
  { path: '/runtime_modify', text: 'modify runtime values', mutates: true },
  { path: '/server_info', text: 'print server version/status information', mutates: false },
  { path: '/stats', text: 'print server stats', mutates: false },
  { path: '/stats/prometheus', text: 'print server stats in prometheus format', mutates: false },
  { path: '/stats/recentlookups', text: 'Show recent stat-name lookups', mutates: false },
  { path: '/stats/recentlookups/clear', text: 'clear list of stat-name lookups and counter', mutates: true },
  { path: '/stats/recentlookups/disable', text: 'disable recording of reset stat-name lookup names', mutates: true },
  { path: '/stats/recentlookups/enable', text: 'enable recording of reset stat-name lookup names', mutates: true },
];

/** The list as the help page prints it. */
export function helpText(): string {
  return `admin commands are:\n${ADMIN_PAGES.map(({ path, text }) => `  ${path}: ${text}\n`).join('')}`;
}
