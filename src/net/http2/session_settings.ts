/**
 * Settings of both sides of a session, and what they change in streams that live.
 * @see nghttp2:lib/nghttp2_session.c#nghttp2_session_on_settings_received
 */
import { DEFAULT_MAX_FRAME_SIZE, LARGEST_MAX_FRAME_SIZE, MAX_WINDOW, readSettings, SETTING } from './frame.ts';
import type { FrameFault } from './session_callbacks.ts';
import type { SessionState } from './session_state.ts';

/** A setting that is not acceptable. */
export interface SettingsFault {
  readonly fault: FrameFault;
  readonly reason: string;
}

/** Takes what the peer announces. */
export function applyPeerSettings(state: SessionState, payload: Uint8Array): SettingsFault | null {
  const settings = readSettings(payload);
  // The table may have been smaller in between, which the encoder must say.
  for (const [id, value] of settings) {
    const fault = applyPeerSetting(state, id, value);
    if (fault !== null) {
      return fault;
    }
  }
  return state.callbacks.onSettings?.(settings) === false ? { fault: 'protocol', reason: '' } : null;
}

function applyPeerSetting(state: SessionState, id: number, value: number): SettingsFault | null {
  switch (id) {
    case SETTING.HEADER_TABLE_SIZE:
      state.encoder.setPeerMaximum(value);
      return null;
    case SETTING.ENABLE_PUSH:
      if (value > 1) {
        return protocol('SETTINGS: invalid SETTINGS_ENBLE_PUSH');
      }
      return !state.server && value !== 0 ? protocol('SETTINGS: server attempted to enable push') : null;
    case SETTING.MAX_CONCURRENT_STREAMS:
      state.peerMaxConcurrent = value;
      return null;
    case SETTING.INITIAL_WINDOW_SIZE:
      return applyInitialWindow(state, value);
    case SETTING.MAX_FRAME_SIZE:
      return value < DEFAULT_MAX_FRAME_SIZE || value > LARGEST_MAX_FRAME_SIZE
        ? protocol('SETTINGS: invalid SETTINGS_MAX_FRAME_SIZE')
        : null;
    case SETTING.ENABLE_CONNECT_PROTOCOL:
      return value > 1 ? protocol('SETTINGS: invalid SETTINGS_ENABLE_CONNECT_PROTOCOL') : null;
    default:
      return null;
  }
}

function applyInitialWindow(state: SessionState, value: number): SettingsFault | null {
  if (value > MAX_WINDOW) {
    return { fault: 'flow-control', reason: 'SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE' };
  }
  const change = value - state.peerInitialWindow;
  for (const stream of state.streams.values()) {
    if (stream.sendWindow + change > MAX_WINDOW) {
      return { fault: 'flow-control', reason: '' };
    }
    stream.sendWindow += change;
  }
  state.peerInitialWindow = value;
  return null;
}

/** The peer acknowledges the oldest own settings: from here they are in force. @see nghttp2:lib/nghttp2_session.c#nghttp2_session_update_local_settings */
export function applyOwnSettings(state: SessionState): SettingsFault | null {
  const settings = state.inflight.shift();
  if (settings === undefined) {
    return protocol('SETTINGS: unexpected ACK');
  }
  for (const [id, value] of settings) {
    switch (id) {
      case SETTING.HEADER_TABLE_SIZE:
        state.decoder.setMaximum(value);
        break;
      case SETTING.MAX_CONCURRENT_STREAMS:
        state.maxConcurrent = value;
        break;
      case SETTING.INITIAL_WINDOW_SIZE:
        for (const stream of state.streams.values()) {
          stream.receiveWindow += value - state.initialReceiveWindow;
        }
        state.initialReceiveWindow = value;
        break;
    }
  }
  return null;
}

function protocol(reason: string): SettingsFault {
  return { fault: 'protocol', reason };
}
