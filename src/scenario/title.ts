/** A step in a few words, for reports. */
import { durationText } from './duration.ts';
import { faultText } from './fault.ts';
import { curlArgv } from './request.ts';
import type { Action } from './scenario.ts';

/** The title of a step that has no name of its own. */
export function stepTitle(action: Action): string {
  switch (action.kind) {
    case 'apply':
      return `apply ${action.manifests.map(({ file }) => file).join(', ')}`;
    case 'delete':
      return `delete ${[...action.manifests.map(({ file }) => file), ...action.objects.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`)].join(', ')}`;
    case 'exec':
      return `${action.pod}: ${action.argv.join(' ')}`;
    case 'request':
      return `${action.request.from}: ${curlArgv(action.request).join(' ')}`;
    case 'connection-request':
      if ('raw' in action.request) {
        return `connection ${action.request.connection}: ${JSON.stringify(action.request.raw)}`;
      }
      return `connection ${action.request.connection}: ${action.request.method ?? (action.request.body === undefined ? 'GET' : 'POST')} ${action.request.path}`;
    case 'open':
      return `open connection ${action.id}: ${action.from} to ${action.host}:${action.port}`;
    case 'close':
      return `close connection ${action.id}`;
    case 'advance':
      return `${durationText(action.by)} pass`;
    case 'advance-until':
      return `wait until ${durationText(action.until)} since boot`;
    case 'command':
      return action.line;
    case 'hold':
      return 'hold back what the agent sends to the proxy';
    case 'release':
      return 'send what was held back to the proxy';
    case 'proxy':
    case 'agent':
      return `${action.what} the ${action.kind}`;
    case 'fault':
      return faultText(action.fault);
    case 'stop':
      return `stop the process of ${action.pod}`;
    case 'start':
      return `start the process of ${action.pod}`;
  }
}
